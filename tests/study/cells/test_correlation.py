"""Correlations with intervals: scipy as oracle, constants, perfect orders, and how often they hold the truth."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import permutation_test, spearmanr

from m2m.study.cells.correlation import Correlation, fisher_interval, partial_correlation, pearson, spearman

RNG = np.random.default_rng(0)
X = RNG.normal(size=20)
Y = X + RNG.normal(size=20)
Z = X + RNG.normal(size=20)


def test_pearson_is_scipys_with_fishers_interval() -> None:
    oracle = stats.pearsonr(X, Y)
    found = pearson(X, Y)
    assert (found.r, found.p) == (oracle.statistic, oracle.pvalue)
    assert (found.low, found.high) == tuple(oracle.confidence_interval())
    assert fisher_interval(found.r, 1 / np.sqrt(17)) == pytest.approx((found.low, found.high))


def test_spearman_is_pearson_of_the_ranks() -> None:
    found = spearman(X, Y)
    assert found.r == pytest.approx(pearson(stats.rankdata(X), stats.rankdata(Y)).r)
    assert found.low < found.r < found.high


def test_a_perfect_order_of_few_points_is_not_certain() -> None:
    found = spearman(np.arange(4.0), np.array([1.0, 10.0, 100.0, 1000.0]))
    assert found.r == 1 and found.low < 0.5


def test_a_perfect_line_is_certain() -> None:
    assert pearson(np.arange(5.0), 3 - np.arange(5.0))[:3] == pytest.approx((-1, -1, -1))


def test_partial_correlation_is_that_of_the_residuals() -> None:
    left = [column - np.polyval(np.polyfit(Z, column, 1), Z) for column in (X, Y)]
    found = partial_correlation(X, Y, Z)
    assert found.r == pytest.approx(stats.pearsonr(*left).statistic)
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.r) * np.sqrt(17 / (1 - found.r**2)), 17))


def test_what_is_only_length_has_no_partial_correlation() -> None:
    with pytest.raises(ValueError, match="other units"):
        partial_correlation(3 * Z + 1, Y, Z)


def test_what_goes_with_performance_through_length_alone_loses_its_correlation() -> None:
    rng = np.random.default_rng(1)
    length = rng.normal(size=2000)
    metric, performance = length + rng.normal(size=2000), length + rng.normal(size=2000)
    assert pearson(metric, performance).low > 0.4
    assert (
        partial_correlation(metric, performance, length).low < 0 < partial_correlation(metric, performance, length).high
    )


@pytest.mark.parametrize(("points", "p"), [(4, 2 / 24), (5, 2 / 120), (7, 2 / 5040)])
def test_a_perfect_order_of_few_points_has_the_p_of_one_order_in_all(points: int, p: float) -> None:
    assert spearman(np.arange(points) ** 2.0, -np.arange(points) * 1.0).p == pytest.approx(p)


def test_the_p_of_few_points_is_that_of_all_orders() -> None:
    x, y = np.array([1.0, 2, 2, 4, 5, 6]), np.array([2.0, 1, 4, 3, 6, 6])
    peer = permutation_test(
        (x,),
        lambda x: abs(spearmanr(x, y).statistic),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=np.inf,
        vectorized=False,
    )
    assert spearman(x, y).p == pytest.approx(peer.pvalue)


@pytest.mark.parametrize("correlation", [pearson, spearman])
def test_too_few_points_and_constants_have_no_correlation(
    correlation: Callable[[np.ndarray, np.ndarray], Correlation],
) -> None:
    with pytest.raises(ValueError, match="at least 4 points, got 3"):
        correlation(X[:3], Y[:3])
    with pytest.raises(ValueError, match="the same in all 20"):
        correlation(X, np.full(20, 0.1))


@settings(deadline=None)
@given(st.integers(4, 30), st.integers(0, 1000))
def test_every_interval_holds_its_own_estimate(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=n), rng.integers(0, 3, n) + rng.normal(0, 0.1, n)
    for found in (pearson(x, y), spearman(x, y)):
        assert -1 <= found.low <= found.r + 1e-9 and found.r - 1e-9 <= found.high <= 1


def test_intervals_hold_the_true_correlation_in_92_to_98_percent_of_studies() -> None:
    rng, held = np.random.default_rng(2), np.zeros(3)
    for _ in range(500):
        x, z = rng.normal(size=(2, 25))
        y = 0.5 * x + np.sqrt(0.75) * rng.normal(size=25)
        truth = 6 / np.pi * np.arcsin(0.25)  # Spearman's, of a normal pair with r = .5
        for i, (found, true) in enumerate(
            [(pearson(x, y), 0.5), (spearman(x, y), truth), (partial_correlation(x, y, z), 0.5)]
        ):
            held[i] += found.low <= true <= found.high
    assert ((held >= 460) & (held <= 490)).all(), held


def test_the_interval_of_a_partial_correlation_knows_of_the_variable_held_fixed() -> None:
    X, Y, Z = np.random.default_rng(0).normal(size=(3, 20))
    found = partial_correlation(X, Y, Z)
    assert (found.low, found.high) == pytest.approx(fisher_interval(found.r, 1 / np.sqrt(16)))
