"""Differences of correlations: known cases, a permutation-free check of their levels, ties and copies."""

import numpy as np
import pytest

from m2m.study.analysis.correlation_contrasts import compare_paired, compare_separate
from m2m.study.cells.correlation import Correlation, pearson


def correlated(rng: np.random.Generator, r: float, n: int) -> Correlation:
    x = rng.normal(size=n)
    return pearson(x, r * x + np.sqrt(1 - r * r) * rng.normal(size=n))


def test_separate_correlations_are_compared_by_their_arc_tangents() -> None:
    found = compare_separate(Correlation(0.5, 0, 0, 0, 103), Correlation(0.3, 0, 0, 0, 103))
    assert found.p_above == pytest.approx(0.0450, abs=1e-4)  # z = (0.5493 − 0.3095) / √(2 / 100) = 1.696
    assert found.p_above + found.p_below == pytest.approx(1)


@pytest.mark.parametrize("r", [1.0, -1.0, 1 - 1e-15])
def test_a_perfect_correlation_is_refused_as_any_difference_would_be_certain(r: float) -> None:
    perfect, other = Correlation(r, r, r, 0, 4), Correlation(0.3, 0, 0, 0, 103)
    for pair in ((perfect, other), (other, perfect)):
        with pytest.raises(ValueError, match=f"a correlation of {r:.0f} has no noise to be compared by"):
            compare_separate(*pair)


def test_equal_correlations_differ_by_nothing() -> None:
    x = np.random.default_rng(0).normal(size=20)
    one = pearson(x, x + np.arange(20))
    found = compare_separate(one, one)
    assert (found.value, found.p_above, found.p_below) == (0, 0.5, 0.5)
    assert found.low == pytest.approx(-found.high)


def test_a_published_example_of_overlapping_correlations() -> None:
    """Zou 2007, example 2: r .396 and .179, .088 between them, n = 66: difference .217, 95 % −.093 to .517."""
    wanted = np.array([[1, 0.396, 0.179], [0.396, 1, 0.088], [0.179, 0.088, 1]])
    rng = np.random.default_rng(0)
    raw = np.linalg.qr(np.column_stack([np.ones(66), rng.normal(size=(66, 3))]))[0][:, 1:]
    performance, first, second = (raw @ np.linalg.cholesky(wanted).T).T
    found = compare_paired(first, second, performance)
    assert (found.value, found.low, found.high) == pytest.approx((0.217, -0.093, 0.517), abs=1e-3)


def test_a_metric_that_falls_with_performance_tells_as_much_as_one_that_rises() -> None:
    rng = np.random.default_rng(1)
    x, y, z = rng.normal(size=(3, 20))
    assert compare_paired(x + z, y, z) == pytest.approx(compare_paired(-x - z, y, z))
    assert compare_paired(x + z, y, z).value == pytest.approx(-compare_paired(y, x + z, z).value)


def test_a_copy_of_the_metric_is_no_better() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 20))
    found = compare_paired(x, 3 * x - 1, x + y)
    assert (found.value, found.p_above, found.p_below) == pytest.approx((0, 0.5, 0.5))
    assert found.low == pytest.approx(-found.high)


def test_a_perfect_metric_beats_a_noisy_one() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 20))
    assert compare_paired(x, x + 2 * y, x).p_above < 1e-6


@pytest.mark.parametrize(
    ("column", "rule"), [(np.zeros(20), "the same in all 20"), (np.arange(4.0), "at least 5 points, got 4")]
)
def test_constants_and_few_points_cannot_be_compared(column: np.ndarray, rule: str) -> None:
    y = np.random.default_rng(4).normal(size=len(column))
    with pytest.raises(ValueError, match=rule):
        compare_paired(column, y, y + 1)


def test_levels_and_intervals_hold_in_300_studies() -> None:
    rng = np.random.default_rng(5)
    apart, beside = np.zeros(3), np.zeros(3)
    for _ in range(300):
        alone = compare_separate(correlated(rng, 0.6, 12), correlated(rng, 0.6, 12))
        apart += [alone.low <= 0 <= alone.high, alone.p_above < 0.025, alone.p_below < 0.025]
        performance, shared = rng.normal(size=(2, 25))
        first, second = performance + shared / 2 + rng.normal(size=(2, 25))
        both = compare_paired(first, second, performance)
        beside += [both.low <= 0 <= both.high, both.p_above < 0.025, both.p_below < 0.025]
    assert (276 <= apart[0] <= 294) and (apart[1:] <= 16).all(), apart
    assert (276 <= beside[0] <= 294) and (beside[1:] <= 16).all(), beside


def test_the_smaller_of_two_samples_weighs_in_the_error() -> None:
    found = compare_separate(Correlation(0.5, 0, 0, 0, 103), Correlation(0.3, 0, 0, 0, 28))
    assert found.p_above == pytest.approx(0.1418, abs=1e-4)  # z = (0.5493 − 0.3095) / √(1/100 + 1/25) = 1.0724


def test_williams_t_of_a_known_matrix() -> None:
    """Correlations .396, .179 and .088 of 66 points: t(63) = 1.381, as by hand from Steiger 1980, equation 7."""
    wanted = np.array([[1, 0.396, 0.179], [0.396, 1, 0.088], [0.179, 0.088, 1]])
    rng = np.random.default_rng(0)
    raw = np.linalg.qr(np.column_stack([np.ones(66), rng.normal(size=(66, 3))]))[0][:, 1:]
    performance, first, second = (raw @ np.linalg.cholesky(wanted).T).T
    found = compare_paired(first, second, performance)
    assert found.p_above == pytest.approx(0.0861, abs=1e-4)
