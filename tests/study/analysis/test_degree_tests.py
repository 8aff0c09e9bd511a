"""Degrees that differ, lines that bend, cliffs: known answers, and no more false alarms than promised."""

from typing import cast

import numpy as np
import polars as pl
import pytest
from scipy import stats

from bench.planted import planted_grid
from m2m.schemas.study_rows import ShapeRow
from m2m.study.analysis.degree_tests import inspect_degrees, subtract_fit
from m2m.study.analysis.levels import compute_joint_p
from m2m.study.cells.labels import is_cliff, select_rows
from tests.planted import NO_SCORES, views


def inspect(grid: pl.DataFrame, outcomes: pl.Series | pl.Expr) -> ShapeRow:
    [row] = inspect_degrees(views(grid.with_columns(bpb_reduction=outcomes), NO_SCORES)[0])
    return row


def test_with_the_groups_own_noise_it_is_scipys_one_way_anova() -> None:
    grid = planted_grid({"response-micro": 0.0}, degrees=(0, 3, 6), seeds=3, random=0)
    outcomes = np.random.default_rng(1).normal(size=9)
    row = inspect(grid, pl.Series(outcomes))
    assert row["p"] == pytest.approx(stats.f_oneway(*outcomes.reshape(3, 3)).pvalue)


def test_means_on_a_line_do_not_bend_and_a_step_is_a_cliff() -> None:
    grid = planted_grid({"response-micro": 0.0}, degrees=(0, 2, 4, 6), seeds=3, random=0)
    noise = pl.Series(np.tile([-0.01, 0.0, 0.01], 4))
    line, step = inspect(grid, pl.col("degree") + noise), inspect(grid, (pl.col("degree") > 0) * 3 + noise)
    assert line["bend_p"] == pytest.approx(1) and line["step_p"] < 1e-6 and not is_cliff(line)
    assert step["bend_p"] < 1e-6 and step["step_p"] == pytest.approx(1) and is_cliff(step)
    assert line["p"] < 1e-6 and step["p"] < 1e-6
    late = inspect(grid, (pl.col("degree") > 2) * 3 + noise)
    assert late["bend_p"] < 1e-6 and not is_cliff(late)


@pytest.mark.parametrize(
    ("bend", "step", "worst", "cliff"),
    [(0.049, 0.05, 0, True), (0.05, 0.05, 0, False), (0.049, 0.049, 0, False), (0.049, 0.05, 6, False)],
)
def test_a_cliff_needs_a_line_that_fails_a_step_that_fits_and_the_lowest_mean(
    bend: float, step: float, worst: int, cliff: bool
) -> None:
    row = {"bend_p": bend, "step_p": step, "worst": worst}
    assert is_cliff(cast(ShapeRow, row)) == cliff
    assert not is_cliff(cast(ShapeRow, {"worst": 0}))


def test_without_an_effect_one_in_twenty_is_a_false_alarm() -> None:
    alarms = []
    for seed in range(60):
        [view] = views(planted_grid(seed=seed))
        rows = inspect_degrees(view)
        alarms += [(row["p"] < 0.05, row["bend_p"] < 0.05) for row in rows]
    assert all(0.02 < share < 0.09 for share in np.mean(alarms, axis=0)), np.mean(alarms, axis=0)


def test_a_step_is_seen_where_the_line_is_not_sure() -> None:
    grid = planted_grid({"response-micro": 0.0, "response-macro": 0.0}, degrees=(0, 3, 6), noise=0.002)
    stepped = (pl.col("strategy") == "response-micro") & (pl.col("degree") == 0)
    rows = inspect_degrees(views(grid.with_columns(bpb_reduction=pl.col("bpb_reduction") - stepped * 0.1))[0])
    [micro] = select_rows(rows, {"strategy": "response-micro"})
    assert micro["p"] < 1e-6 and micro["bend_p"] < 1e-6
    assert micro["worst"] == 0 and micro["worst_mean"] == pytest.approx(-0.1, abs=0.01)
    assert micro["shared_rows"] == 0.5  # 500 of 1,000 candidate rows
    measured = grid.with_columns(seed_overlap=pl.col("degree") / 10 + 0.31)
    [micro] = select_rows(inspect_degrees(views(measured)[0]), {"strategy": "response-micro"})
    assert micro["shared_rows"] == pytest.approx(0.31) and micro["overlap_measured"]
    [macro] = select_rows(rows, {"strategy": "response-macro"})
    assert macro["p"] > 0.05


def test_the_lack_of_fit_of_a_line_is_statsmodels_comparison_of_two_models() -> None:
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    grid = planted_grid({"response-micro": 0.0}, degrees=(0, 2, 3, 6), seeds=4, random=0)
    [view] = views(grid)
    table = view.cells.select("degree", "worth").to_pandas()
    oracle = anova_lm(ols("worth ~ degree", table).fit(), ols("worth ~ C(degree)", table).fit())
    line = np.column_stack([np.ones(4), [0.0, 2.0, 3.0, 6.0]])
    assert compute_joint_p(view.levels, subtract_fit(view.levels, range(4), line), view.prompts) == pytest.approx(
        oracle["Pr(>F)"].iloc[1]
    )


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (planted_grid({"response-micro": 0.0}, degrees=(3,)), "needs 2 degrees, got 1"),
        (planted_grid({"response-micro": 0.0}, noise=0.0), "all replicates are equal"),
        (planted_grid({"response-micro": 0.0}, seeds=1, random=1), "seed noise needs a configuration with two seeds"),
    ],
    ids=["one degree", "no noise", "no replicate"],
)
def test_where_nothing_can_be_said_the_reason_is(grid: pl.DataFrame, words: str) -> None:
    [row] = inspect_degrees(views(grid)[0])
    assert words in row["reason"]


def test_two_degrees_have_no_bend() -> None:
    [row] = inspect_degrees(views(planted_grid({"response-micro": 0.5}, degrees=(0, 6)))[0])
    assert "bend_p" not in row and row["p"] < 1e-6 and row["best"] == 6


def test_worst_and_best_are_the_degrees_of_the_lowest_and_the_highest_mean() -> None:
    grid = planted_grid({"response-micro": 0.0}, degrees=(0, 3, 6), random=0)
    row = inspect(grid, pl.Series([0.2, 0.4, 0.0, 0.2, 0.9, 0.3]))  # means .3, .1, .6: the single lowest is at 3 too
    assert (row["worst"], row["best"], row["degrees"]) == (3, 6, 3)
    assert (row["worst_mean"], row["best_mean"]) == pytest.approx((0.1, 0.6))
    assert row["noise"] == pytest.approx(np.sqrt((0.02 + 0.02 + 0.18) / 3))
