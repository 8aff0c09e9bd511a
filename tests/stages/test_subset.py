"""The stage on a pool of forty rows: its table, its numbers, its errors, its bytes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from m2m.runtime.artifacts import read_json, read_table, write_table
from m2m.schemas.difficulties import Difficulties
from m2m.schemas.exclusions import Exclusions
from m2m.schemas.pairs import Pairs
from m2m.schemas.ratings import RowRatings
from m2m.schemas.row_origins import RowOrigins
from m2m.schemas.subset import Subset
from m2m.schemas.target_scores import TargetScores
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.selection.baselines import CHOOSERS, BaselineInputs, Choice
from m2m.strategies import BASELINES, STRATEGIES, Strategy
from stages.subset import main

ROWS = 40
RATINGS = ("complexity.parquet", "quality.parquet")  # read where `quality` names an LLM's score
SHARED = ("pairs.parquet", "tokens.parquet", "row_origins.parquet", "exclusions.parquet", *RATINGS)
SETTINGS: dict[str, Any] = {
    "strategy": "response-micro",
    "match": "response-micro",
    "degree": 3,
    "size": 10,
    "seed": 1,
    "slack": 1.5,
    "weights": "uniform",
    "budget": "rows",
    "min_tokens": 0,
    "max_tokens": 1000,
    "lengths": "free",
    "peel_noise": 0.0,
    "quality": None,
    "quality_share": 1.0,
    "prefilter": "random",
    "prefilter_share": 1.0,
    "overlap": "keep",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Row i has i response tokens, of 2 characters each; units i % 5 and i % 7 for 35 rows, one more in each tenth.

    Its vector stands at an angle of i degrees.
    """
    ids = [f"{row:016x}" for row in range(ROWS)]
    texts = {"id": ids, "source": "toy", "instruction": "x", "response": ["ä " * row or "-" for row in range(ROWS)]}
    table = pl.DataFrame(texts).with_columns(pl.lit(None, pl.String).alias("original"))
    write_table(tmp_path / "pairs.parquet", Pairs, table)
    tokens = pl.DataFrame({"id": ids, "tokens": [list(range(row)) for row in range(ROWS)]})
    write_table(tmp_path / "tokens.parquet", Tokens, tokens.cast({"tokens": pl.List(pl.Int32)}))
    carried = [{f"f{row % 5}", f"s{row % 7}"} | ({"t"} if row % 10 == 0 else set()) for row in range(35)]
    pairs = [(ids[row], unit) for row, units in enumerate(carried) for unit in sorted(units)]
    write_units(tmp_path / "units.parquet", pairs)
    angles = np.radians(np.arange(ROWS))
    points = pl.Series("vector", np.stack([np.cos(angles), np.sin(angles)], axis=1)).cast(pl.List(pl.Float32))
    write_table(tmp_path / "vectors.parquet", Vectors, pl.DataFrame({"id": ids}).with_columns(points))
    scores = pl.Series("scores", [[float(row), float(row % 7)] for row in range(ROWS)])
    write_table(tmp_path / "targets.parquet", TargetScores, pl.DataFrame({"id": ids}).with_columns(scores))
    costs = {"tokens": range(ROWS), "conditioned": [0.25 * (row % 4 + 0.5) for row in range(ROWS)]}
    table = pl.DataFrame({"id": ids, **costs}).with_columns(pl.lit(1.0).alias("unconditioned"))
    write_table(tmp_path / "difficulties.parquet", Difficulties, table.cast({"tokens": pl.Int32}))
    write_origins(tmp_path, ["{}"] * ROWS)
    write_exclusions(tmp_path, [])
    return tmp_path


def write_origins(folder: Path, fields: list[str]) -> None:
    """Row i has the i-th of `fields`; a held-out row stands there too."""
    ids = [*(f"{row:016x}" for row in range(ROWS)), "held out"]
    table = pl.DataFrame({"id": ids, "source": "toy", "file": "", "row": range(ROWS + 1), "exchange": 0})
    columns = table.with_columns(fields=pl.Series([*fields, '{"score": 99}'])).cast({"row": pl.Int64})
    write_table(folder / "row_origins.parquet", RowOrigins, columns.cast({"exchange": pl.Int64}))


def write_exclusions(folder: Path, rows: list[int]) -> None:
    ids = pl.DataFrame({"id": [f"{row:016x}" for row in rows]}, schema={"id": pl.String})
    write_table(folder / "exclusions.parquet", Exclusions, ids)


def write_units(path: Path, pairs: list[tuple[str, str]]) -> None:
    write_table(path, Units, pl.DataFrame(pairs, schema={"id": pl.String, "unit": pl.String}, orient="row"))


def choices_of(strategy: str) -> str:
    """The toy file that stands for data/choices/{strategy}.parquet."""
    return f"{Path(STRATEGIES[strategy].reads).parent.name}.parquet" if strategy in STRATEGIES else "units.parquet"


def choose(folder: Path, **changed: Any) -> tuple[pl.DataFrame, dict[str, Any]]:
    settings: dict[str, Any] = SETTINGS | changed
    if settings["strategy"] in STRATEGIES and STRATEGIES[settings["strategy"]].needs_quality:
        write_origins(folder, [f'{{"score": {row * 7 % 10}}}' for row in range(ROWS)])
        settings["quality"] = "score"
    names = (settings[name] for name in ("strategy", "match", "prefilter"))
    inputs = (*map(choices_of, names), *SHARED)
    main(*(folder / name for name in (*inputs, "out/subset.parquet", "out/subset.json")), **settings)
    return read_table(folder / "out/subset.parquet", Subset), read_json(folder / "out/subset.json")


def test_a_subset_has_its_size_its_turns_and_units_that_its_rows_carry(folder: Path) -> None:
    subset, summary = choose(folder)
    assert subset["id"].is_sorted()
    assert sorted(subset["turn"]) == list(range(10))
    assert subset.join(read_table(folder / "units.parquet", Units), on=["id", "unit"], how="semi").height == 10
    assert summary["units_covered"] == summary["k"] == summary["k_by_degree"][3]


def test_the_summary_has_its_numbers_and_no_other(folder: Path) -> None:
    subset, summary = choose(folder, degree=6)
    lengths = [int(id_, 16) for id_ in subset["id"]]
    expected = {
        "pool_rows": 40,
        "rows_without_unit": 5,
        "candidate_rows": 35,
        "rows": 10,
        "k": 13,
        "k_max": 13,
        "response_tokens": sum(lengths),
        "mean_response_tokens": sum(lengths) / 10,
        "mean_response_characters": sum(2 * length or 1 for length in lengths) / 10,
    }
    asked = {"strategy", "match", "degree", "seed", "size", "budget", "min_tokens", "max_tokens"}
    others = asked | {"collapsed_degrees", "k_min", "k_by_degree", "units_covered", "k_evenness", "seed_overlap"}
    assert {key: summary[key] for key in expected} == expected
    assert set(summary) == set(expected) | others


def test_random_is_a_unit_that_every_row_carries(folder: Path) -> None:
    subset, summary = choose(folder, strategy="random")
    assert subset["unit"].unique().to_list() == ["pool"]
    assert (summary["k_by_degree"], summary["candidate_rows"], summary["k_evenness"]) == (7 * [1], 40, 1.0)


def test_a_size_of_the_pool_returns_the_pool(folder: Path) -> None:
    subset, _ = choose(folder, strategy="random", size=ROWS)
    assert subset.height == ROWS
    subset, summary = choose(folder, size=35, slack=1.0, degree=0)
    assert subset.height == 35 == summary["candidate_rows"]


def test_the_length_window_is_closed_at_both_ends_and_counts_tokens(folder: Path) -> None:
    subset, summary = choose(folder, strategy="random", min_tokens=20, max_tokens=29, size=10)
    assert [int(id_, 16) for id_ in subset["id"]] == list(range(20, 30))
    assert (summary["pool_rows"], summary["mean_response_tokens"]) == (10, 24.5)


@pytest.mark.parametrize("strategy", ["response-micro", "random"])
def test_a_token_budget_is_reached_with_the_last_row_end_tokens_included(folder: Path, strategy: str) -> None:
    subset, summary = choose(folder, strategy=strategy, budget="tokens", size=100)
    last = int(subset.filter(pl.col("turn") == subset["turn"].max())["id"].item(), 16) + 1
    trained = summary["response_tokens"] + summary["rows"]
    assert trained - last < 100 <= trained


EVERY = ["response-micro", *BASELINES]


def shuffle_tables(folder: Path) -> None:
    for name, model in {
        "units": Units,
        "pairs": Pairs,
        "tokens": Tokens,
        "vectors": Vectors,
        "targets": TargetScores,
        "difficulties": Difficulties,
    }.items():
        shuffled = read_table(folder / f"{name}.parquet", model).sample(fraction=1, shuffle=True, seed=3)
        write_table(folder / f"{name}.parquet", model, shuffled)


def read_outs(folder: Path) -> list[bytes]:
    return [(folder / "out" / name).read_bytes() for name in ("subset.parquet", "subset.json")]


@pytest.mark.parametrize("strategy", EVERY)
def test_the_order_of_rows_changes_no_byte(folder: Path, strategy: str) -> None:
    choose(folder, strategy=strategy)
    before = read_outs(folder)
    shuffle_tables(folder)
    choose(folder, strategy=strategy)
    assert read_outs(folder) == before


@pytest.mark.parametrize(
    ("strategy", "lengths"),
    [
        ("response-micro", "free"),
        ("response-micro", "as-random"),
        ("k-center", "free"),
        ("facility-location", "free"),
        ("mig", "free"),
        ("novel-select", "free"),
    ],
)
def test_the_number_of_threads_changes_no_byte(folder: Path, strategy: str, lengths: str) -> None:
    changed: dict[str, Any] = {"strategy": strategy, "lengths": lengths}
    choose(folder, **changed)
    before = read_outs(folder)
    shuffle_tables(folder)
    inputs = (choices_of(strategy), "units.parquet", "tokens.parquet", *SHARED)
    paths = (*inputs, "out/subset.parquet", "out/subset.json")
    flags = [word for name, value in (SETTINGS | changed).items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "stages.subset", *(str(folder / path) for path in paths), *flags]
    subprocess.run(command, env=os.environ | {"POLARS_MAX_THREADS": "1", "NUMBA_NUM_THREADS": "1"}, check=True)
    assert read_outs(folder) == before


# seeds differ only in ties, or in a large pool
DETERMINED = ("longest", "type-cover", "token-entropy", "gist", "deita", "bm25", "rds-plus", "ifd")


@pytest.mark.parametrize("strategy", [strategy for strategy in EVERY if strategy not in DETERMINED])
def test_another_seed_gives_another_subset(folder: Path, strategy: str) -> None:
    first, second = (set(choose(folder, strategy=strategy, seed=seed)[0]["id"]) for seed in (1, 3))
    assert first != second


@pytest.mark.parametrize("strategy", BASELINES)
def test_a_baseline_draws_from_every_row_in_the_window_until_the_budget_is_met(folder: Path, strategy: str) -> None:
    subset, summary = choose(folder, strategy=strategy, degree=6, min_tokens=5, max_tokens=30)
    assert all(5 <= int(id_, 16) <= 30 for id_ in subset["id"])
    assert sorted(subset["turn"]) == list(range(10))
    assert (summary["k_by_degree"], summary["candidate_rows"], summary["k_evenness"]) == (7 * [1], 26, 1.0)
    subset, summary = choose(folder, strategy=strategy, budget="tokens", size=100)
    last = int(subset.filter(pl.col("turn") == subset["turn"].max())["id"].item(), 16) + 1
    trained = summary["response_tokens"] + summary["rows"]
    assert trained - last < 100 <= trained


def test_k_center_goes_to_both_ends_of_an_arc_and_then_to_its_middle(folder: Path) -> None:
    subset, _ = choose(folder, strategy="k-center", size=5)
    rows = [int(id_, 16) for id_ in subset.sort("turn")["id"]]
    assert {0, 39} <= set(rows[1:3]) | {rows[0]}
    assert max(min(abs(row - other) for other in rows) for row in range(ROWS)) <= 10


def test_a_pool_above_the_exact_rows_is_told_its_shards_and_bound_before_it_starts(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    choose(folder, strategy="facility-location")
    assert "shards" not in capsys.readouterr().err
    monkeypatch.setattr("m2m.selection.shards.EXACT_ROWS", 20)
    choose(folder, strategy="facility-location", min_tokens=10)
    told = capsys.readouterr().err
    assert "subset subset: facility-location is exact up to 20 rows. It chooses from 30 in 3 random shards" in told


def test_token_entropy_prefers_rows_of_many_types(folder: Path) -> None:
    _, summary = choose(folder, strategy="token-entropy")
    _, other = choose(folder, strategy="random")
    assert summary["mean_response_tokens"] > other["mean_response_tokens"]


@pytest.mark.parametrize(("budget", "size"), [("rows", 10), ("tokens", 200)])
def test_length_matched_has_the_lengths_of_the_subset_that_it_is_matched_to(
    folder: Path, budget: str, size: int
) -> None:
    """Five more rows of the pool are as long as each of the others."""
    for name, model in {"pairs": Pairs, "tokens": Tokens, "vectors": Vectors}.items():
        table = read_table(folder / f"{name}.parquet", model)
        more = [
            table.with_columns(id=pl.format("{}{}", pl.lit("abcde"[i]), pl.col("id").str.slice(1))) for i in range(5)
        ]
        write_table(folder / f"{name}.parquet", model, pl.concat([table, *more]).sort("id"))
    ours, summary = choose(folder, degree=1, budget=budget, size=size)
    matched, other = choose(folder, strategy="length-matched", degree=1, budget=budget, size=size)
    lengths = [sorted(int(id_[1:], 16) for id_ in table["id"]) for table in (ours, matched)]
    assert lengths[0] == lengths[1]
    assert other["response_tokens"] == summary["response_tokens"]
    assert len(set(ours["id"]) & set(matched["id"])) < ours.height / 2


@pytest.mark.parametrize("budget", ["rows", "tokens"])
def test_with_lengths_as_random_each_length_has_its_share_at_both_ends(folder: Path, budget: str) -> None:
    """Two strata, the rows of 0 to 24 tokens and those of 25 to 39: x + x² = 1 at .62. Their quotas are 6 and 4 rows,
    or 79 and 121 tokens, of which a row may take 40 from the other.
    """
    size = {"rows": 10, "tokens": 200}[budget]
    subsets = [choose(folder, lengths="as-random", degree=degree, budget=budget, size=size) for degree in (0, 6)]
    for subset, summary in subsets:
        assert summary["lengths"] == "as-random"
        lengths = [int(id_, 16) for id_ in subset["id"]]
        short = [length for length in lengths if length < 25]
        assert len(short) == 6 if budget == "rows" else abs(sum(short) + len(short) - 79) < 40
    assert subsets[0][1]["k_by_degree"] == subsets[1][1]["k_by_degree"]


def test_a_subset_with_free_lengths_is_as_it_was_and_does_not_name_them(folder: Path) -> None:
    _, summary = choose(folder)
    assert "lengths" not in summary


@pytest.mark.parametrize("strategy", BASELINES)
def test_a_baseline_chooses_the_same_rows_with_lengths_as_random(folder: Path, strategy: str) -> None:
    free, _ = choose(folder, strategy=strategy, match="random")
    assert choose(folder, strategy=strategy, match="random", lengths="as-random")[0].equals(free)


def test_lengths_that_carry_too_few_rows_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The longest 5 of 40 rows carry no unit."""
    choose(folder, lengths="as-random", size=30)
    assert "of 30 rows have other lengths than random's" in capsys.readouterr().err
    choose(folder, lengths="free", size=30)
    assert "other lengths" not in capsys.readouterr().err


def test_length_matched_can_be_matched_to_no_choice_without_units(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"subset\.match must be one of .*response-micro, random, got k-center"):
        choose(folder, strategy="length-matched", match="k-center")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"degree": 9}, r"degree must be in 0\.\.6, got 9"),
        ({"slack": 0.5}, r"slack must be at least 1, got 0\.5"),
        ({"size": 36}, "size must be at most what the pool holds, 35, got 36"),
        ({"size": 0}, "size must be at least 1, got 0"),
        (
            {"min_tokens": 35},
            r"none of the 5 responses of min_tokens\.\.max_tokens tokens has a unit of response-micro",
        ),
        ({"min_tokens": 9, "max_tokens": 8}, r"none of the 0 responses of min_tokens\.\.max_tokens"),
    ],
)
def test_what_cannot_be_chosen_is_an_error_that_says_why(folder: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose(folder, **changed)


def test_no_unit_at_all_is_an_error(folder: Path) -> None:
    write_units(folder / "units.parquet", [])
    with pytest.raises(ValueError, match="has a unit of response-micro"):
        choose(folder)


def test_rows_without_tokens_are_an_error(folder: Path) -> None:
    write_table(folder / "tokens.parquet", Tokens, read_table(folder / "tokens.parquet", Tokens).head(38))
    with pytest.raises(ValueError, match="2 are missing"):
        choose(folder)


def test_one_row_is_a_pool(folder: Path) -> None:
    write_units(folder / "units.parquet", [(f"{7:016x}", "only")])
    subset, summary = choose(folder, size=1)
    assert (subset.rows(), summary["k"]) == ([(f"{7:016x}", "only", 0)], 1)


def test_a_new_baseline_is_an_entry_and_a_function(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def choose_shortest(inputs: BaselineInputs) -> Choice:
        order = np.argsort(np.where(inputs.inside, inputs.lengths, inputs.lengths.max() + 1), kind="stable")
        return Choice(order[: inputs.size])

    monkeypatch.setitem(STRATEGIES, "shortest", Strategy("data/tokens/response.parquet", has_degree=False))
    monkeypatch.setitem(CHOOSERS, "shortest", choose_shortest)
    subset, summary = choose(folder, strategy="shortest", min_tokens=3)
    assert [int(id_, 16) for id_ in subset.sort("turn")["id"]] == list(range(3, 13))
    assert (summary["strategy"], summary["mean_response_tokens"]) == ("shortest", 7.5)


def test_a_new_strategy_of_units_is_an_entry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, "response-nano", Strategy("data/units/response-nano.parquet", "response", "nano"))
    micro, nano = choose(folder)[0], choose(folder, strategy="response-nano")[0]
    assert micro.equals(nano)


def test_a_typing_error_names_the_strategies_and_the_nearest(folder: Path) -> None:
    with pytest.raises(
        ValueError, match=r"subset\.strategy must be one of instruction-macro.*: did you mean response-micro\?"
    ):
        choose(folder, strategy="respnse-micro")


@pytest.mark.parametrize("strategy", ["response-micro", "length-matched"])
def test_degrees_that_are_one_subset_are_named_with_what_separates_them(
    folder: Path, strategy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """35 rows carry a unit; slack 1.5 of 30 rows is 45."""
    summaries = [choose(folder, strategy=strategy, size=30, degree=degree)[1] for degree in (0, 6)]
    assert [summary["collapsed_degrees"] for summary in summaries] == 2 * [[[0, 1, 2, 3, 4, 5, 6]]]
    message = capsys.readouterr().err
    assert (
        "degrees 0, 1, 2, 3, 4, 5, 6 are one subset: slack 1.5 · size 30 = 45 rows is more than the pool's 35"
        in message
    )
    size = int(message.split("All seven differ with a size of at most ")[1].split()[0].rstrip("."))
    assert choose(folder, strategy=strategy, size=size)[1]["collapsed_degrees"] == []
    assert choose(folder, strategy=strategy, size=size + 1)[1]["collapsed_degrees"] != []


def test_a_dial_that_reaches_seven_degrees_is_not_warned_about(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert choose(folder, size=5, strategy="response-micro")[1]["collapsed_degrees"] == []
    assert choose(folder, strategy="random")[1]["collapsed_degrees"] == []
    assert "one subset" not in capsys.readouterr().err


def test_rows_without_a_unit_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert choose(folder)[1]["rows_without_unit"] == 5
    assert "5 of 40 rows carry no unit of response-micro and cannot be chosen" in capsys.readouterr().err
    assert choose(folder, strategy="random")[1]["rows_without_unit"] == 0
    assert "no unit" not in capsys.readouterr().err


def test_overlapping_rows_are_no_candidates_of_any_strategy_and_are_counted(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlapping = [0, 7, 20, 38]
    write_exclusions(folder, overlapping)
    for strategy in EVERY:
        subset, summary = choose(folder, strategy=strategy, overlap="drop", size=25, slack=1.0, min_tokens=5)
        assert {int(id_, 16) for id_ in subset["id"]}.isdisjoint(overlapping)
        assert (summary["pool_rows"], summary["overlapping_rows_dropped"]) == (32, 3)  # row 0 is outside the window
    assert "3 rows that share text with an evaluation prompt are left out" in capsys.readouterr().err


def test_settings_that_leave_nothing_out_change_no_byte_and_say_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choose(folder)
    before = [(folder / "out" / name).read_bytes() for name in ("subset.parquet", "subset.json")]
    assert not {"overlap", "quality", "quality_share"} & set(json.loads(before[1]))
    write_origins(folder, ['{"score": 1}'] * ROWS)
    choose(folder)
    assert [(folder / "out" / name).read_bytes() for name in ("subset.parquet", "subset.json")] == before
    assert "left out" not in capsys.readouterr().err


def test_the_best_share_by_a_number_of_the_user_s_is_what_is_chosen_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rows 0 to 9 have no number; of the others, odd rows have theirs as text."""
    scores: list[Any] = [*("good", None, True, "", [3], "NaN", "inf", {"a": 1}, "1e999", 10**400)]
    scores += [str(row) if row % 2 else row for row in range(10, ROWS)]
    write_origins(folder, [json.dumps({"score": score}) for score in scores])
    subset, summary = choose(folder, strategy="random", quality="score", quality_share=0.5, size=20)
    assert sorted(int(id_, 16) for id_ in subset["id"]) == list(range(20, 40))
    assert [summary[name] for name in ("pool_rows", "rows_below_quality", "rows_without_quality")] == [20, 20, 10]
    assert (summary["quality"], summary["quality_share"]) == ("score", 0.5)
    assert "20 rows are below the best 0.5 by 'score'; 10 rows have no such number" in capsys.readouterr().err


def test_a_quality_share_of_one_keeps_all_and_rows_without_a_number_come_last(folder: Path) -> None:
    write_origins(folder, ["{}"] * 39 + ['{"score": -5}'])
    assert choose(folder, quality="score")[0].equals(choose(folder)[0])
    subset, _ = choose(folder, strategy="random", quality="score", quality_share=0.01, size=1)
    assert subset["id"].to_list() == [f"{39:016x}"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"quality": "skore"}, r"subset\.quality must name a field with numbers, 'skore' has none .*: score"),
        ({"quality": "score", "quality_share": 0.0}, r"subset\.quality_share must be above 0 and at most 1, got 0\.0"),
        ({"quality": "score", "quality_share": 1.5}, r"subset\.quality_share must be above 0 and at most 1, got 1\.5"),
        ({"quality_share": 0.5}, r"subset\.quality_share 0\.5 needs subset\.quality"),
        ({"quality": "score", "quality_share": 0.1}, "size must be at most what the pool holds, 4, got 10"),
    ],
)
def test_a_quality_that_cannot_be_used_is_an_error_that_says_why(
    folder: Path, changed: dict[str, Any], message: str
) -> None:
    write_origins(folder, [json.dumps({"score": row, "text": "x"}) for row in range(ROWS)])
    with pytest.raises(ValueError, match=message):
        choose(folder, strategy="random", **changed)


def write_ratings(folder: Path, name: str, scores: list[float | None]) -> None:
    ids = [f"{row:016x}" for row in range(len(scores))]
    table = pl.DataFrame({"id": ids, "score": scores}, schema={"id": pl.String, "score": pl.Float64})
    write_table(folder / name, RowRatings, table)


def test_the_scores_of_an_llm_are_factors_like_the_fields_of_the_records(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The product is 12 for rows 0 to 4, 8 for rows 5 to 9, none for rows 38 and 39, and less for all others."""
    write_ratings(folder, "complexity.parquet", [4.0] * 10 + [1.0] * 29 + [None])
    write_ratings(folder, "quality.parquet", [3.0] * 5 + [2.0] * 33 + [None, 6.0])
    subset, summary = choose(
        folder, strategy="random", quality="llm_complexity*llm_quality", quality_share=0.25, size=10
    )
    assert sorted(int(id_, 16) for id_ in subset["id"]) == list(range(10))
    assert (summary["quality"], summary["rows_without_quality"]) == ("llm_complexity*llm_quality", 2)
    assert "by 'llm_complexity*llm_quality'; 2 rows have no such number" in capsys.readouterr().err
    write_origins(folder, [json.dumps({"mine": 10 if row == 9 else 1}) for row in range(ROWS)])
    subset, _ = choose(folder, strategy="random", quality="llm_quality*mine", quality_share=0.1, size=4)
    assert {9, 39, 0, 1} == {int(id_, 16) for id_ in subset["id"]}


def test_deita_takes_rows_by_an_llm_s_product(folder: Path) -> None:
    write_ratings(folder, "complexity.parquet", [6.0 if row == 2 else 2.0 for row in range(ROWS)])
    write_ratings(folder, "quality.parquet", [3.0] * ROWS)
    inputs = ("vectors.parquet", "units.parquet", "tokens.parquet", *SHARED, "out/subset.parquet", "out/subset.json")
    settings = SETTINGS | {"strategy": "deita", "quality": "llm_complexity*llm_quality", "size": 2}
    main(*(folder / name for name in inputs), **settings)
    subset = read_table(folder / "out/subset.parquet", Subset).sort("turn")
    first, second = (int(id_, 16) for id_ in subset["id"])
    assert first == 2 and second - 2 > 25  # of 40 degrees, 25.8 are too near


def test_ratings_of_another_run_are_refused(folder: Path) -> None:
    write_ratings(folder, "quality.parquet", [3.0] * 30)
    with pytest.raises(ValueError, match="ratings of llm_quality must hold every row of the pool, 10 are missing: run"):
        choose(folder, quality="llm_quality")


def test_only_the_rows_most_like_the_examples_are_candidates_of_any_strategy(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first example likes high rows, the second rows that are 6 in modulo 7: they take rows in turn."""
    subset, summary = choose(folder, strategy="random", prefilter="bm25", prefilter_share=0.25, size=10)
    liked = {39, 38, 37, 36, 35, *(row for row in range(ROWS) if row % 7 == 6)}
    assert {int(id_, 16) for id_ in subset["id"]} == liked
    assert (summary["prefilter"], summary["prefilter_share"], summary["rows_unlike_examples"]) == ("bm25", 0.25, 30)
    assert "30 rows are not among the 0.25 most like the examples by bm25" in capsys.readouterr().err
    _, summary = choose(folder, degree=6, prefilter="rds-plus", prefilter_share=0.5, size=5)
    assert (summary["pool_rows"], summary["rows"], summary["rows_without_match"]) == (20, 5, 0)


def test_rows_that_a_prefilter_keeps_though_they_match_no_example_are_counted_and_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [f"{row:016x}" for row in range(ROWS)]
    scores = pl.Series("scores", [[float(row < 6)] for row in range(ROWS)])
    write_table(folder / "targets.parquet", TargetScores, pl.DataFrame({"id": ids}).with_columns(scores))
    _, summary = choose(folder, strategy="random", prefilter="bm25", prefilter_share=0.25, size=10)
    assert summary["rows_without_match"] == 4
    assert "4 of the rows that stay match no example at all" in capsys.readouterr().err


@pytest.mark.parametrize("matches", [6, 10])
def test_rows_that_a_strategy_chooses_though_they_match_no_example_are_told(
    matches: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = [f"{row:016x}" for row in range(ROWS)]
    scores = pl.Series("scores", [[float(row < matches)] for row in range(ROWS)])
    write_table(folder / "targets.parquet", TargetScores, pl.DataFrame({"id": ids}).with_columns(scores))
    subset, _ = choose(folder, strategy="bm25", size=10)
    assert {int(id_, 16) for id_ in subset["id"]} >= set(range(matches))
    note = "4 of the 10 chosen rows match no example at all: they fill up the subset"
    assert (note in capsys.readouterr().err) == (matches == 6)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"prefilter": "k-center"}, r"subset\.prefilter must be one of random, bm25, rds-plus, got k-center"),
        ({"prefilter_share": 0.5}, r"subset\.prefilter_share 0\.5 needs subset\.prefilter: set it to bm25 or rds-plus"),
        ({"prefilter": "bm25", "prefilter_share": 0.0}, r"prefilter_share must be above 0 and at most 1, got 0\.0"),
        ({"prefilter": "bm25", "prefilter_share": 0.1}, "size must be at most what the pool holds, 4, got 10"),
    ],
)
def test_a_prefilter_that_cannot_be_used_is_an_error(folder: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose(folder, strategy="random", **changed)


def test_deita_needs_a_score_and_tells_when_its_filter_starts_over(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs = ("vectors.parquet", "units.parquet", "tokens.parquet", *SHARED, "out/subset.parquet", "out/subset.json")
    with pytest.raises(ValueError, match=r"deita chooses by a score: set subset\.quality to a number field"):
        main(*(folder / name for name in inputs), **SETTINGS | {"strategy": "deita"})
    subset, _ = choose(folder, strategy="deita", size=3)
    assert "deita's filter started over 1 times" in capsys.readouterr().err  # of 40 degrees, 25.8 are too near
    assert int(subset.filter(turn=0)["id"].item(), 16) * 7 % 10 == 9


@pytest.mark.parametrize("lengths", ["free", "as-random"])
def test_the_overlap_is_the_share_of_rows_that_the_next_seed_chooses_too(folder: Path, lengths: str) -> None:
    settings = {"degree": 2, "lengths": lengths, "peel_noise": 0.5}
    first, summary = choose(folder, **settings)
    following, _ = choose(folder, **settings, seed=2)
    common = first.join(following, on="id", how="semi").height
    assert summary["seed_overlap"] == common / first.height
    for strategy in ("random", "length-matched"):  # the second has rows of its own, which no dial draws again
        assert "seed_overlap" not in choose(folder, strategy=strategy)[1]


def test_noise_of_pruning_changes_no_subset_of_all_units(folder: Path) -> None:
    subsets = [choose(folder, degree=6, peel_noise=noise)[0] for noise in (0.0, 1.0)]
    assert subsets[0].equals(subsets[1])
