"""Degrees that differ, and lines that bend: known answers, and no more false alarms than promised."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from bench.planted import planted_grid
from m2m.study.analysis.contrasts import Noise, pool_noise
from m2m.study.analysis.degree_tests import compute_equality_p, compute_linearity_p, inspect_degrees
from m2m.study.cells.labels import select_rows
from tests.planted import views


def test_with_the_groups_own_noise_it_is_scipys_one_way_anova() -> None:
    rng = np.random.default_rng(1)
    groups = [rng.normal(mean, 1, size) for mean, size in ((0, 4), (1, 3), (0.5, 5))]
    assert compute_equality_p(groups, pool_noise(groups)) == pytest.approx(stats.f_oneway(*groups).pvalue)


def test_means_on_a_line_do_not_bend_and_others_do() -> None:
    line = [np.array([1.0, 1.0]), np.array([2.0, 2.0]), np.array([3.0, 3.0])]
    step = [np.array([0.0, 0.0]), np.array([3.0, 3.0]), np.array([3.0, 3.0])]
    noise = Noise(0.1, 20)
    assert compute_linearity_p([0, 3, 6], line, noise) == pytest.approx(1)
    assert compute_linearity_p([0, 3, 6], step, noise) < 1e-6
    assert compute_equality_p(line, noise) < 1e-6 and compute_equality_p(step, noise) < 1e-6


def test_without_an_effect_one_in_twenty_is_a_false_alarm() -> None:
    rng = np.random.default_rng(2)
    alarms = []
    for _ in range(1000):
        groups = list(rng.normal(0, 1, (4, 2)))
        spread = pool_noise([*groups, rng.normal(0, 1, 8)])
        alarms.append(
            (compute_equality_p(groups, spread) < 0.05, compute_linearity_p([0, 2, 4, 6], groups, spread) < 0.05)
        )
    assert all(0.03 < share < 0.07 for share in np.mean(alarms, axis=0))


def test_a_step_is_seen_where_the_line_is_not_sure() -> None:
    grid = planted_grid({"response-micro": 0.0, "response-macro": 0.0}, degrees=(0, 3, 6), noise=0.002)
    stepped = (pl.col("strategy") == "response-micro") & (pl.col("degree") == 0)
    rows = inspect_degrees(views(grid.with_columns(bpb_reduction=pl.col("bpb_reduction") - stepped * 0.1))[0])
    [micro] = select_rows(rows, {"strategy": "response-micro"})
    assert micro["p"] < 1e-6 and micro["bend_p"] < 1e-6
    assert micro["worst"] == 0 and micro["worst_mean"] == pytest.approx(-0.1, abs=0.01)
    [macro] = select_rows(rows, {"strategy": "response-macro"})
    assert macro["p"] > 0.05


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
    outcomes = pl.Series([0.2, 0.4, 0.0, 0.2, 0.9, 0.3])  # means .3, .1, .6: the single lowest is at degree 3 too
    [row] = inspect_degrees(views(grid.with_columns(bpb_reduction=outcomes))[0])
    assert (row["worst"], row["best"], row["degrees"]) == (3, 6, 3)
    assert (row["worst_mean"], row["best_mean"]) == pytest.approx((0.1, 0.6))
    assert row["noise"] == pytest.approx(np.sqrt((0.02 + 0.02 + 0.18) / 3))
