"""Two correlations → which is the larger: of separate cells, or of two metrics with one performance."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from m2m.study.cells.correlation import Column, Correlation, check_columns, pearson

ROUNDING = 1e-12  # of a correlation of 1


class Difference(NamedTuple):
    """A difference with its 95 % interval, and one-sided p: how well 'not above 0' and 'not below 0' fit the data."""

    value: float
    low: float
    high: float
    p_above: float
    p_below: float


def compare_separate(first: Correlation, second: Correlation) -> Difference:
    """First − second, of separate cells: Zou 2007's interval, and the z test of their arc tangents (Fisher 1921).

    ValueError where one of them is 1 or −1: its arc tangent is infinite, so any difference would be certain.
    """
    if perfect := [r for r in (first.r, second.r) if abs(r) >= 1 - ROUNDING]:
        raise ValueError(f"a correlation of {perfect[0]:.0f} has no noise to be compared by: run more seeds or prompts")
    gap, se = _arctanh(first.r) - _arctanh(second.r), np.sqrt(1 / (first.points - 3) + 1 / (second.points - 3))
    low, high = _compute_zou_interval(first, second, 0)
    z = gap / se
    return Difference(first.r - second.r, low, high, float(stats.norm.sf(z)), float(stats.norm.cdf(z)))


def compare_paired(first: Column, second: Column, outcomes: Column) -> Difference:
    """|r| of `first` with the outcome − |r| of `second` with it, over the same cells.

    Each metric is turned so that it rises with the outcome: one that falls with it predicts it as well. Zou 2007's
    interval for overlapping correlations; p from Williams' t with n − 3 (Steiger 1980, equation 7). ValueError below 5
    points and for a column that does not vary.
    """
    check_columns(first, second, outcomes, minimum=5)
    x, y, n = _align(first, outcomes), _align(second, outcomes), len(outcomes)
    first_r, second_r, between = pearson(x, outcomes), pearson(y, outcomes), pearson(x, y).r
    low, high = _compute_zou_interval(first_r, second_r, _correlate_estimates(first_r.r, second_r.r, between))
    t = _compute_williams_t(first_r.r, second_r.r, between, n)
    return Difference(first_r.r - second_r.r, low, high, float(stats.t.sf(t, n - 3)), float(stats.t.cdf(t, n - 3)))


def _align(metric: Column, outcomes: Column) -> Column:
    return -metric if np.corrcoef(metric, outcomes)[0, 1] < 0 else metric


def _arctanh(r: float) -> float:
    return float(np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15)))


def _compute_zou_interval(first: Correlation, second: Correlation, between: float) -> tuple[float, float]:
    gap = first.r - second.r
    down, up = (first.r - first.low, second.high - second.r), (first.high - first.r, second.r - second.low)
    low, high = (np.sqrt(max(a * a + b * b - 2 * between * a * b, 0)) for a, b in (down, up))
    return float(gap - low), float(gap + high)


def _correlate_estimates(first: float, second: float, between: float) -> float:
    """The correlation of the two estimated correlations (Steiger 1980, equation 3)."""
    scale = (1 - first * first) * (1 - second * second)
    if scale <= 0:
        return 0.0
    unshared = 1 - first * first - second * second - between * between
    return float(np.clip(((between - first * second / 2) * unshared + between**3) / scale, -1, 1))


def _compute_williams_t(first: float, second: float, between: float, n: int) -> float:
    gap, middle = first - second, (first + second) / 2
    determinant = 1 - first * first - second * second - between * between + 2 * first * second * between
    bottom = 2 * (n - 1) / (n - 3) * max(determinant, 0) + middle * middle * (1 - between) ** 3
    if abs(gap) < 1e-12:
        return 0.0
    return float(gap * np.sqrt((n - 1) * (1 + between) / bottom)) if bottom > 0 else float(np.sign(gap)) * np.inf
