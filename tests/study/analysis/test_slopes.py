"""The posterior of a straight line: statsmodels as oracle, lines without noise, and how often it holds the truth."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import GLS, OLS
from statsmodels.tools.tools import add_constant

from bench.planted import planted_grid, planted_study
from m2m.study.analysis.slopes import fit_line, fit_slopes, predict_band
from tests.planted import views

DIVERSITY = np.repeat([0, 1 / 3, 2 / 3, 1], 2)


@settings(deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=8, max_size=8).filter(lambda values: np.ptp(values) > 1e-3))
def test_the_slope_is_least_squares_with_its_t_interval(values: list[float]) -> None:
    oracle = OLS(values, add_constant(DIVERSITY)).fit()
    slope = fit_line(DIVERSITY, np.array(values)).slope
    assert slope.value == pytest.approx(oracle.params[1], abs=1e-9)
    assert (slope.low, slope.high) == pytest.approx(tuple(oracle.conf_int()[1]), abs=1e-6)
    assert slope.p == pytest.approx(oracle.pvalues[1], abs=1e-6)
    assert slope.df == 6


def test_the_band_is_the_mean_prediction_of_one_sigma() -> None:
    performance = np.array([0.1, 0.3, 0.2, 0.5, 0.4, 0.6, 0.9, 0.7])
    points = np.linspace(0, 1, 7)
    oracle = OLS(performance, add_constant(DIVERSITY)).fit().get_prediction(add_constant(points))
    frame = np.column_stack([oracle.predicted, oracle.conf_int(alpha=0.317310507863)])
    assert np.array(predict_band(fit_line(DIVERSITY, performance), points)) == pytest.approx(frame)


def test_a_line_that_is_near_its_cells_is_nearly_certain() -> None:
    fitted = fit_line(np.array([0, 0.5, 1]), np.array([1.0, 2.0, 3.0 + 1e-9]))
    assert (fitted.slope.value, fitted.slope.positive, fitted.intercept) == pytest.approx((2, 1, 1))


def test_win_rates_that_repeat_are_no_evidence_of_a_slope() -> None:
    """Two seeds at either end agree, as rates of few prompts may: +0.050 (0.050 to 0.050) was called significant."""
    rates = pl.when(pl.col("degree") == 0).then(0.45).otherwise(0.5)
    random = pl.col("bpb_reduction")  # varies
    grid = planted_grid({"response-micro": 0.0}, degrees=(0, 6)).with_columns(
        bpb_reduction=pl.when(pl.col("strategy") == "random").then(random).otherwise(rates)
    )
    [row] = fit_slopes(views(grid)[0])
    assert row["reason"] == (
        "a slope needs noise to be judged by, all 4 outcomes lie on one line: run more seeds or prompts"
    )
    assert "p" not in row and "value" not in row


def test_the_weights_of_a_slope_sum_to_nothing_and_give_it_back() -> None:
    weights = fit_line(DIVERSITY, np.arange(8.0) ** 2).weights
    assert weights.sum() == pytest.approx(0)
    assert weights @ (3 * DIVERSITY + 7) == pytest.approx(3)


def test_a_common_effect_of_the_seed_is_taken_out_of_the_noise() -> None:
    """Generalised least squares, statsmodels as oracle; in a balanced design the slope stays the same."""
    outcomes, seeds = np.array([0.0, 1.1, 0.2, 1.2, 0.5, 1.4, 0.6, 1.8]), [1, 2] * 4
    covariance = np.where(np.equal.outer(seeds, seeds), 0.8, 0.0) + 0.2 * np.eye(8)
    oracle = GLS(outcomes, add_constant(DIVERSITY), sigma=covariance).fit()
    plain, blocked = fit_line(DIVERSITY, outcomes).slope, fit_line(DIVERSITY, outcomes, seeds, 0.8).slope
    assert (blocked.value, blocked.se, blocked.p) == pytest.approx((oracle.params[1], oracle.bse[1], oracle.pvalues[1]))
    assert blocked.value == pytest.approx(plain.value) and blocked.se < 0.6 * plain.se


@pytest.mark.parametrize(
    ("diversity", "performance", "rule"),
    [
        ([], [], "at least 3 cells"),
        ([0.0], [1.0], "at least 3 cells and 2 degrees, got 1 and 1"),
        ([0.0, 1.0], [1.0, 2.0], "at least 3 cells"),
        ([0.5, 0.5, 0.5], [1.0, 2.0, 3.0], "2 degrees, got 3 and 1"),
        ([0.0, 0.5, 1.0], [2.0, 2.0, 2.0], "all 3 outcomes lie on one line"),
        ([0.0, 0.5, 1.0], [0.0, 0.0, 0.0], "all 3 outcomes lie on one line"),
        ([0.0, 0.5, 1.0], [0.1, 0.2, 0.3], "all 3 outcomes lie on one line"),
    ],
    ids=["no cell", "one cell", "two cells", "one degree", "constant performance", "all 0", "a line"],
)
def test_a_degenerate_grid_has_no_slope_and_says_why(
    diversity: list[float], performance: list[float], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        fit_line(np.array(diversity), np.array(performance))


def test_t_intervals_hold_the_slope_in_95_percent_of_1000_studies() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(1000):
        study = planted_study(rng)
        slope = fit_line(study.diversity, study.performance[: len(study.diversity)]).slope
        held += slope.low <= study.slope_here <= slope.high
    assert 920 <= held <= 980


def test_a_row_a_strategy_has_its_own_slope_band_and_correlations() -> None:
    """Response-macro falls by 1 in two steps without noise; response-micro is at 0, 3, 3 and rises by 3 a diversity."""
    grid = planted_grid({"response-macro": 0.0, "response-micro": 0.0}, degrees=(0, 3, 6), seeds=1, random=2)
    outcomes = pl.Series([1.0, 0.5, 0.001, 0.0, 3.0, 3.0, 7.0, 8.0])
    macro, micro = fit_slopes(views(grid.with_columns(bpb_reduction=outcomes))[0])
    assert (macro["strategy"], micro["strategy"], micro["cells"]) == ("response-macro", "response-micro", 3)
    assert (micro["value"], micro["intercept"]) == pytest.approx((3, 0.5)) and micro["df"] == 1
    assert micro["residual_sd"] == pytest.approx(np.sqrt(1.5))
    assert macro["value"] == pytest.approx(-0.999) and macro["positive"] < 0.01
    assert [point["diversity"] for point in micro["band"]] == pytest.approx([i / 6 for i in range(7)])
    first, *_, last = micro["band"]
    assert (first["middle"], last["middle"]) == pytest.approx((0.5, 3.5)) and last["low"] < 3.5 < last["high"]
    assert "at least 4 points" in micro["pearson_reason"] and "prompts_reason" in micro
