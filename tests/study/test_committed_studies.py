"""The committed studies: their words are those of today's code, and what pages say of their cells holds."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from scipy import stats

from bench.ladder import compare
from m2m.runtime.artifacts import read_table
from m2m.schemas.grid import Grid
from m2m.schemas.scores import Scores
from m2m.study.analysis.study import build_study
from m2m.study.analysis.verdict import write_verdict
from m2m.study.cells.cells import select_comparable
from m2m.study.cells.labels import format_difference, format_interval, name_configuration, select_rows
from m2m.study.study_file import read_study

ROOT = Path(__file__).parents[2]
SIDES = ("here", "elsewhere")
METRICS, DEVELOPMENT, SMOLLM2 = ROOT / "metrics", ROOT / "metrics/development", ROOT / "metrics/smollm2"


def read_page(name: str) -> str:
    """A page of docs/results as one line, since a sentence may be on two."""
    return " ".join((ROOT / "docs/results" / name).read_text(encoding="utf-8").split())


def write_p(p: float) -> str:
    """As the pages write it: '.95', '.02', '.0004'."""
    return format(p, ".2f" if p >= 0.01 else ".1g").lstrip("0")


def write_drop(row: Mapping[str, Any]) -> tuple[str, str]:
    """A negative difference without its sign, and in brackets its interval and p."""
    return f"{-row['value']:.3f}", f"({-row['high']:.3f} to {-row['low']:.3f}, Holm p {write_p(row['p_holm'])})"


def find_row(rows: Sequence[Mapping[str, Any]], key: Mapping[str, Any], condition: str) -> Mapping[str, Any]:
    """The only one of these rows whose setting has the words `condition`."""
    [row] = [row for row in select_rows(rows, key) if condition in row["condition"]]
    return row


@pytest.mark.parametrize("folder", [METRICS, DEVELOPMENT, SMOLLM2], ids=["default", "development", "smollm2"])
def test_verdicts_and_headlines_are_what_todays_code_says_of_the_numbers(folder: Path) -> None:
    study = read_study(folder / "study.json")
    assert study["verdict"] == write_verdict(study)


def test_the_primary_setting_of_the_default_study_has_the_most_configurations() -> None:
    first, second = read_study(METRICS / "study.json")["settings"]
    assert (first.get("lengths"), first["cells"]) == (None, 74) and (second.get("lengths"), second["cells"]) == (
        "as-random",
        35,
    )


def test_the_four_added_cells_decide_a_slope_and_not_the_drop_that_the_page_quotes() -> None:
    """Seeds 2 and 3 of response-micro at the ends, at random's lengths (docs/results/default-study.md)."""
    grid, scores = read_table(METRICS / "grid.csv", Grid), read_table(METRICS / "scores.parquet", Scores)
    is_added = (pl.col("strategy") == "response-micro") & (pl.col("lengths") == "as-random")
    is_added &= pl.col("degree").is_in([0, 6]) & pl.col("seed").is_in([2, 3])
    assert grid.filter(is_added).height == 4
    rates, page = scores.filter(outcome="likelihood_win_rate"), read_page("default-study.md")
    study, equal = read_study(METRICS / "study.json"), "lengths as random"
    fewer = build_study(grid.filter(~is_added), rates, 1, 10_000, primary_outcome="likelihood_win_rate")
    key = {"outcome": "likelihood_win_rate", "strategy": "response-micro"}
    slope, fewer_slope = (find_row(kind["slopes"], key, equal) for kind in (study, fewer))
    drop, fewer_drop = (find_row(kind["against_random"], key | {"degree": 0}, equal) for kind in (study, fewer))
    assert slope["p_holm"] < 0.001 and fewer_slope["p_holm"] > 0.9
    assert drop["p_holm"] < 0.001 and fewer_drop["p_holm"] < 0.001
    interval = f"({format_interval(slope)}, Holm p {write_p(slope['p_holm'])})"
    assert f"With them it is {format_difference(slope['value'])} {interval}." in page
    interval = f"({format_interval(fewer_slope)}, 4 degrees of freedom, Holm p {write_p(fewer_slope['p_holm'])})"
    assert f"Without them it is {format_difference(fewer_slope['value'])} {interval}." in page
    assert fewer_slope["df"] == 4
    value, interval = write_drop(fewer_drop)
    assert f"By the likelihood win rate, degree 0 is {value} below random {interval}. That is without" in page
    value, interval = write_drop(drop)
    assert f"with them it is {value} {interval}." in page


def test_the_page_of_the_default_study_quotes_its_two_rises() -> None:
    study, page = read_study(METRICS / "study.json"), read_page("default-study.md")
    key = {"outcome": "bpb_reduction", "strategy": "response-micro"}
    free, equal = (find_row(study["slopes"], key, words) for words in ("any length, inverse", "lengths as random"))
    rise = f"rises by {free['value']:.3f} bpb from degree 0 to 6 with free lengths ({format_interval(free)})."
    assert rise in page
    assert f"lengths it rises by {equal['value']:.3f} ({format_interval(equal)}, three seeds at both ends)." in page
    assert f"That is not significant after Holm over all comparisons (p {write_p(equal['p_holm'])})." in page


def test_the_gain_of_long_random_rows_goes_with_the_length_of_a_sources_references() -> None:
    """Over the sources with 10 prompts or more (docs/results/domains.md); the weight is the reference's bytes."""
    sources = pl.read_csv(DEVELOPMENT / "domains.csv")
    cells = read_table(DEVELOPMENT / "grid.csv", Grid).select("experiment", "strategy", "degree")
    scores = read_table(DEVELOPMENT / "scores.parquet", Scores).filter(outcome="bpb_reduction")
    rows = scores.join(sources, on="id").join(cells, on="experiment")
    rates = rows.group_by("source", "strategy", "degree", "experiment").agg(
        rate=pl.col("score").sum() / pl.col("weight").sum(), bytes=pl.col("weight").mean(), prompts=pl.len()
    )
    levels = rates.group_by("source", "strategy", "degree").agg(pl.col("rate", "bytes", "prompts").mean())
    gains = levels.filter(strategy="length-matched", degree=6).join(levels.filter(strategy="random"), on="source")
    large = gains.filter(pl.col("prompts") >= 10).with_columns(gain=pl.col("rate") - pl.col("rate_right"))
    fewer = large.filter(pl.col("source") != "gpteacher_codegen")
    assert fewer.height == large.height - 1
    first, second = (stats.spearmanr(kept["gain"], kept["bytes"]) for kept in (large, fewer))
    page = read_page("domains.md")
    assert f"Over {large.height} sources with 10 prompts or more, the gain of long random rows rises with" in page
    assert f"mean length (Spearman {first.statistic:.2f}, p {write_p(first.pvalue)}). One of them, gpteacher" in page
    assert f"Without it the correlation is {second.statistic:.2f} (p {write_p(second.pvalue)})." in page


def test_what_the_page_of_the_registered_study_says_beside_its_hypotheses_holds() -> None:
    """docs/results/smollm2.md: what is worse, level or far above random, and the noise."""
    study, page = read_study(SMOLLM2 / "study.json"), read_page("smollm2.md")
    family = {row["test"]: row for row in study["family"] if row["hypothesis"] == "O1"}
    worse = sorted((row for row in family.values() if row["p_holm"] < 0.05), key=lambda row: row["value"])
    assert all(row["value"] < 0 and row["test"].endswith(" at degree 0") for row in worse)
    first, second, third = (
        (row["test"].removesuffix(" at degree 0"), format_difference(row["value"]), write_p(row["p_holm"]))
        for row in worse
    )
    assert "**Three configurations are worse than random** in the registered tests, all of degree 0." in page
    rest = " and ".join(f"{name} ({value}, p {p})" for name, value, p in (second, third))
    assert f"They are {first[0]} ({first[1]}, Holm p {first[2]}), {rest}." in page
    most_diverse = [row for name, row in family.items() if name.endswith("degree 6")]
    assert len(most_diverse) == 6 and min(row["p_holm"] for row in most_diverse) > 0.9
    low, high = (format_difference(choose(row["value"] for row in most_diverse)) for choose in (min, max))
    assert f"At degree 6 no strategy differs from random.** Their differences lie between {low} and {high}." in page
    rows = select_rows(study["against_random"], {"outcome": "bpb_reduction"})
    assert [(row["strategy"], row["degree"]) for row in rows if row["p_holm"] < 0.05] == [("response-micro", 0)]
    assert "With other prompts too, response-micro alone is significantly worse." in page
    [noise] = {row["pooled_sd"] for row in rows}
    assert f"**Seed noise is four times what was expected**: {noise:.4f} bpb, pooled over all configurations." in page
    assert round(noise / 0.0017) == 4 and "The 2.6M model had 0.0017." in page
    assert f"So a configuration had to gain {3.4 * noise:.3f} to be seen." in page
    [longest] = select_rows(rows, {"strategy": "longest"})
    assert f"`longest` is {longest['value']:.3f} above random, with four times the tokens." in page
    assert "That is not significant, and no part of the family." in page and longest["p_holm"] > 0.05


def test_the_page_has_the_table_of_the_ladder() -> None:
    proxy, target = (
        select_comparable(read_table(folder / "grid.csv", Grid)) for folder in (ROOT / "metrics/proxy", SMOLLM2)
    )
    page = (ROOT / "docs/results/smollm2.md").read_text(encoding="utf-8").splitlines()
    shown = [line.split("|")[3:] for line in page if line.startswith(("| proxy", "| ceiling"))]
    printed = [line.split("|")[4:] for line in compare(proxy, target) if line.startswith(("| proxy", "| ceiling"))]
    assert shown == printed and len(printed) == 3


def test_what_readme_and_page_say_of_targeting_is_its_record() -> None:
    record, page = json.loads((METRICS / "targeting/target.json").read_text()), read_page("targeting.md")
    here, elsewhere = ({name_configuration(row): row for row in record[side]["selectors"]} for side in SIDES)
    [near] = record["near"]
    best = max(here, key=lambda name: here[name]["value"])
    gain, loss = f"{here[best]['value']:.3f}", f"{-elsewhere[best]['value']:.3f}"
    assert best == "bm25" and here[best]["all_low"] > 0 > elsewhere[best]["all_low"] and elsewhere[best]["all_high"] > 0
    assert (
        f"gain {gain} bpb there. Random's own cells differ by ±{record['here']['random'][0]['half_width']:.3f}." in page
    )
    assert f"`bm25` loses {loss} on other packages, which is not significant" in page
    [alone] = near["diversity_alone"]
    assert alone["all_high"] < 0 and f"{-alone['value']:.3f} below random of the 20 % nearest" in page
    assert all(row["all_low"] < 0 < row["all_high"] for row in near["diversity_on_top"]) and near["diversity_on_top"]
    tokens = [round(row["mean_response_tokens"]) for row in here.values() if row["all_low"] > 0]
    assert f"{min(tokens)} to {max(tokens)} tokens" in page
    assert f"by thirty examples gains {gain} bpb there" in (ROOT / "README.md").read_text(encoding="utf-8")
