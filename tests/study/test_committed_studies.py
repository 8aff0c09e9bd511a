"""The committed studies: their words are those of today's code, and what pages say of their cells holds."""

from pathlib import Path

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
from m2m.study.cells.labels import select_rows
from m2m.study.study_file import read_study

ROOT = Path(__file__).parents[2]
METRICS, DEVELOPMENT, SMOLLM2 = ROOT / "metrics", ROOT / "metrics/development", ROOT / "metrics/smollm2"


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
    rates = scores.filter(outcome="likelihood_win_rate")
    study = build_study(grid.filter(~is_added), rates, 1, 1000, primary_outcome="likelihood_win_rate")
    key = {"outcome": "likelihood_win_rate", "strategy": "response-micro"}
    [slope] = [row for row in select_rows(study["slopes"], key) if "lengths as random" in row["condition"]]
    [drop] = [
        row
        for row in select_rows(study["against_random"], key | {"degree": 0})
        if "lengths as random" in row["condition"]
    ]
    assert slope["value"] == pytest.approx(0.2925) and slope["df"] == 4 and slope["p_holm"] > 0.9
    assert drop["value"] == pytest.approx(-0.278, abs=0.0005) and drop["p_holm"] < 0.001


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
    for kept, sources_left, expected in (
        (large, 13, (0.74, 0.004)),
        (large.filter(pl.col("source") != "gpteacher_codegen"), 12, (0.67, 0.017)),
    ):
        found = stats.spearmanr(kept["gain"], kept["bytes"])
        assert kept.height == sources_left
        assert (found.statistic, found.pvalue) == pytest.approx(expected, abs=0.005)


def test_what_the_page_of_the_registered_study_says_beside_its_hypotheses_holds() -> None:
    """docs/results/smollm2.md: what is worse, level or far above random, and the noise."""
    study = read_study(SMOLLM2 / "study.json")
    family = {row["test"]: row for row in study["family"] if row["hypothesis"] == "O1"}
    worse = {name: (round(row["value"], 3), row["p_holm"]) for name, row in family.items() if row["p_holm"] < 0.05}
    assert worse == {
        "response-micro at degree 0": (-0.035, pytest.approx(0.0001, abs=1e-5)),
        "instruction-macro at degree 0": (-0.025, pytest.approx(0.004, abs=5e-4)),
        "response-meso at degree 0": (-0.024, pytest.approx(0.005, abs=5e-4)),
    }
    most_diverse = [row for name, row in family.items() if name.endswith("degree 6")]
    assert len(most_diverse) == 6 and max(abs(row["value"]) for row in most_diverse) < 0.0075
    assert min(row["p_holm"] for row in most_diverse) > 0.9
    against = [row for row in study["against_random"] if row["outcome"] == "bpb_reduction" and row["p_holm"] < 0.05]
    assert [(row["strategy"], row["degree"]) for row in against] == [("response-micro", 0)]
    noise = against[0]["pooled_sd"]
    assert (round(noise, 4), round(3.4 * noise, 3)) == (0.0069, 0.023)


def test_the_page_has_the_table_of_the_ladder() -> None:
    proxy, target = (
        select_comparable(read_table(folder / "grid.csv", Grid)) for folder in (ROOT / "metrics/proxy", SMOLLM2)
    )
    page = (ROOT / "docs/results/smollm2.md").read_text(encoding="utf-8").splitlines()
    shown = [line.split("|")[3:] for line in page if line.startswith(("| proxy", "| ceiling"))]
    printed = [line.split("|")[4:] for line in compare(proxy, target) if line.startswith(("| proxy", "| ceiling"))]
    assert shown == printed and len(printed) == 3
