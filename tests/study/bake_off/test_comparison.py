"""Planted bake-offs: gains, intervals for all selectors together, what is refused, and what a person reads."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from bench.planted_bake_off import plant_bake_off
from m2m.study.bake_off.comparison import BakeOff, compare_selectors
from m2m.study.bake_off.words import write_answer

GAINS = {"longest": 0.08, "k-center": 0.0, "instag": -0.08}
OUTCOME = "bpb_reduction"


@pytest.fixture(scope="module")
def planted() -> tuple[pl.DataFrame, pl.DataFrame]:
    return plant_bake_off(GAINS, np.random.default_rng(7))


@pytest.fixture(scope="module")
def record(planted: tuple[pl.DataFrame, pl.DataFrame]) -> BakeOff:
    return compare_selectors(*planted, OUTCOME, 1, 400)


def test_every_gain_is_the_difference_of_means_and_inside_its_interval(
    record: BakeOff, planted: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    assert [(row["budget"], row["strategy"]) for row in record["selectors"]] == [
        (budget, name) for budget in ("rows", "tokens") for name in sorted(GAINS)
    ]
    for row in record["selectors"]:
        cells = planted[0].filter(budget=row["budget"])
        means = [cells.filter(strategy=name)[OUTCOME].mean() for name in (row["strategy"], "random")]
        assert row["value"] == pytest.approx(means[0] - means[1], abs=0.003)  # type: ignore[operator]
        assert row["all_low"] < row["low"] < row["value"] < row["high"] < row["all_high"]
        assert row["all_low"] <= GAINS[row["strategy"]] <= row["all_high"]
        assert row["all_high"] - row["value"] == pytest.approx(record["critical"] * row["se"], rel=1e-4)
        assert row["mean_response_tokens"] == (200 if row["strategy"] == "longest" else 100)
    assert [row["cells"] for row in record["random"]] == [8, 8]


def test_the_family_is_every_selector_at_both_budgets(
    record: BakeOff, planted: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    rows = planted[0].filter(pl.col("budget") == "rows")
    half = compare_selectors(rows, planted[1], OUTCOME, 1, 400)
    pair = rows.filter(pl.col("strategy").is_in(["random", "longest"]))
    single = compare_selectors(pair, planted[1], OUTCOME, 1, 400)
    assert record["critical"] > half["critical"] > single["critical"]
    alone = single["selectors"][0]
    assert single["critical"] == pytest.approx((alone["high"] - alone["value"]) / alone["se"], abs=0.02)


def test_a_cell_without_scores_that_others_have_is_an_error(planted: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """Its selector would seem surer than the others."""
    grid, scores = planted
    lost = grid["experiment"][0]
    with pytest.raises(ValueError, match=f"{lost} must have 2 prompts with scores: run python -m m2m collect"):
        compare_selectors(grid, scores.filter(pl.col("experiment") != lost), OUTCOME, 1, 100)


def test_prompts_add_their_noise(record: BakeOff, planted: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    without = compare_selectors(planted[0], planted[1].clear(), OUTCOME, 1, 400)
    assert (record["prompts"], without["prompts"]) == (60, 0)
    assert all(a["se"] > b["se"] for a, b in zip(record["selectors"], without["selectors"], strict=True))


def test_equal_inputs_give_an_equal_record_whatever_the_order_of_rows(
    record: BakeOff, planted: tuple[pl.DataFrame, pl.DataFrame]
) -> None:
    grid, scores = (table.sample(fraction=1, shuffle=True, seed=3) for table in planted)
    assert compare_selectors(grid, scores, OUTCOME, 1, 400) == record


@pytest.mark.parametrize(
    ("kept", "rule"),
    [
        (pl.col("strategy") != "random", "needs 2 random cells at equal rows, got 0: run more seeds"),
        (pl.col("strategy") == "random", "needs a selector beside random whose cells have bpb_reduction"),
        (pl.col("seed") == 1, "needs 2 random cells at equal rows, got 1"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    planted: tuple[pl.DataFrame, pl.DataFrame], kept: pl.Expr, rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        compare_selectors(planted[0].filter(kept), planted[1], OUTCOME, 1, 400)


def test_two_sizes_of_rows_are_refused(planted: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    rows = planted[0].filter(pl.col("budget") == "rows")
    other = rows.with_columns(size=pl.lit(900, pl.Int64), experiment=pl.format("{}-900", "experiment"))
    with pytest.raises(ValueError, match=r"one setting of rows and one of tokens, got 500 .*; 900 .*: use a folder"):
        compare_selectors(pl.concat([rows, other]), planted[1], OUTCOME, 1, 400)


def make_record(**changes: dict[str, float]) -> BakeOff:
    """A record of known numbers: two selectors at equal rows, one at equal tokens."""

    def row(strategy: str, budget: str, value: float, low: float, high: float, tokens: float) -> Any:
        place = {"budget": budget, "size": 500 if budget == "rows" else 48_000, "strategy": strategy}
        ends = {"low": low / 2 + value / 2, "high": high / 2 + value / 2, "all_low": low, "all_high": high}
        rest = {"match": strategy, "degree": 0, "cells": 5, "se": 0.001, "p_all": 0.04, "trained_tokens": 500 * tokens}
        return place | {"value": value, "mean_response_tokens": tokens} | ends | rest | changes.get(strategy, {})

    random: Any = {"budget": "rows", "size": 500, "cells": 8, "mean": 0.1, "sd": 0.0017, "half_width": 0.0043}
    random |= {"mean_response_tokens": 96.0, "trained_tokens": 48_000.0}
    return {
        "outcome": OUTCOME,
        "provenance": "p",
        "cells": 31,
        "critical": 2.714,
        "df": 20,
        "prompts": 300,
        "random": [random, random | {"budget": "tokens", "size": 48_000, "cells": 3}],
        "selectors": [
            row("longest", "rows", -0.012, -0.02, -0.004, 240),
            row("k-center", "rows", 0.002, -0.003, 0.007, 110),
            row("instag", "tokens", 0.009, 0.001, 0.017, 120),
        ],
    }


def test_the_answer_comes_first_and_names_its_numbers() -> None:
    assert write_answer(make_record()) == [
        "At equal rows (500), no selector of 2 beats random.",
        "The best is k-center, +0.002 bpb (95 % CI −0.003 to 0.007).",
        "Worse than random is longest.",
        "At equal tokens (48,000), 1 of 1 selectors beats random: instag.",
        "The largest gain is +0.009 bpb, by instag (95 % CI 0.001 to 0.017).",
        "Of these, instag has responses over a tenth longer than random's 96 tokens.",
        "The intervals hold for all 3 comparisons together: max-t over their joint covariance by seeds and prompts, "
        "t quantile 2.71 at 20 degrees of freedom.",
        "Random's 8 cells at equal rows have a standard deviation of 0.0017; with 95 % one further cell lies within "
        "±0.0043 of their mean.",
        "Random's 3 cells at equal tokens have a standard deviation of 0.0017; with 95 % one further cell lies within "
        "±0.0043 of their mean.",
    ]


def test_a_gain_that_is_certain_alone_but_not_among_all_beats_nothing() -> None:
    answer = write_answer(make_record(instag={"low": 0.002, "all_low": -0.0005}))
    assert answer[3] == "At equal tokens (48,000), no selector of 1 beats random."


def test_the_planted_gains_are_answered(record: BakeOff) -> None:
    answer = write_answer(record)
    assert answer[0] == "At equal rows (500), 1 of 3 selectors beats random: longest."
    assert "Worse than random is instag." in answer
    assert "Of these, longest has responses over a tenth longer than random's 100 tokens." in answer


def read_errors(**noise: float) -> dict[str, float]:
    """The standard error of each selector at equal rows, without prompts."""
    gains = dict.fromkeys(("longest", "k-center", "instag", "mig", "gist"), 0.0)
    grid, scores = plant_bake_off(gains, np.random.default_rng(7), prompts=2, prompt_sd=0.0, **noise)  # type: ignore[arg-type]
    record = compare_selectors(grid, scores.clear(), OUTCOME, 1, 10)
    return {row["strategy"]: row["se"] for row in record["selectors"] if row["budget"] == "rows"}


def test_random_and_selectors_of_fixed_and_of_drawn_rows_have_a_noise_of_their_own() -> None:
    errors = read_errors(noise=2.0, noise_fixed=0.1)
    assert errors["longest"] == errors["k-center"] and errors["instag"] == errors["mig"] == errors["gist"]
    assert errors["instag"] > 1.5 * errors["longest"]
    noisy = read_errors(noise=2.0, noise_fixed=1.0)
    assert noisy["longest"] > errors["longest"] and noisy["instag"] == errors["instag"]


def test_the_errors_are_those_of_two_means_of_independent_cells(planted: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    cells = planted[0].filter(pl.col("budget") == "rows", pl.col("strategy").is_in(["random", "instag"]))
    [row] = compare_selectors(cells, planted[1].clear(), OUTCOME, 1, 10)["selectors"]
    outcomes = [cells.filter(strategy=name)[OUTCOME].to_numpy() for name in ("instag", "random")]
    variances = [float(values.var(ddof=1)) / len(values) for values in outcomes]
    assert row["se"] == pytest.approx(sum(variances) ** 0.5, rel=1e-4)
    welch = sum(variances) ** 2 / (variances[0] ** 2 / 4 + variances[1] ** 2 / 7)
    assert compare_selectors(cells, planted[1].clear(), OUTCOME, 1, 10)["df"] == int(welch)
