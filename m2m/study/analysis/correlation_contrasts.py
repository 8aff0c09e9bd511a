"""Two correlations → which is the larger: of separate cells, or of two metrics with one performance."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from m2m.study.cells.correlation import Correlation, check_columns, pearson

Column = Float[np.ndarray, "points"]


class Difference(NamedTuple):
    """A difference with its 95 % interval, and one-sided p: how well 'not above 0' and 'not below 0' fit the data."""

    value: float
    low: float
    high: float
    p_above: float
    p_below: float


def compare_separate(first: Correlation, second: Correlation) -> Difference:
    """First − second, of separate cells: Zou 2007's interval, and the z test of their arc tangents (Fisher 1921)."""
    gap, se = _arctanh(first.r) - _arctanh(second.r), np.sqrt(1 / (first.points - 3) + 1 / (second.points - 3))
    low, high = _zou(first, second, 0)
    z = gap / se
    return Difference(first.r - second.r, low, high, float(stats.norm.sf(z)), float(stats.norm.cdf(z)))


def compare_paired(first: Column, second: Column, performance: Column) -> Difference:
    """|r| of `first` with performance − |r| of `second` with it, over the same cells.

    Each metric is turned so that it rises with performance: one that falls with it says as much of it. Zou 2007's
    interval for overlapping correlations; p from Williams' t with n − 3 (Steiger 1980, equation 7). ValueError below 5
    points and for a column that does not vary.
    """
    check_columns(first, second, performance, least=5)
    ours, theirs, n = _rising(first, performance), _rising(second, performance), len(performance)
    one, other, between = pearson(ours, performance), pearson(theirs, performance), pearson(ours, theirs).r
    low, high = _zou(one, other, _between_estimates(one.r, other.r, between))
    t = _williams(one.r, other.r, between, n)
    return Difference(one.r - other.r, low, high, float(stats.t.sf(t, n - 3)), float(stats.t.cdf(t, n - 3)))


def _rising(metric: Column, performance: Column) -> Column:
    return -metric if np.corrcoef(metric, performance)[0, 1] < 0 else metric


def _arctanh(r: float) -> float:
    return float(np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15)))


def _zou(first: Correlation, second: Correlation, between: float) -> tuple[float, float]:
    gap = first.r - second.r
    down, up = (first.r - first.low, second.high - second.r), (first.high - first.r, second.r - second.low)
    low, high = (np.sqrt(max(a * a + b * b - 2 * between * a * b, 0)) for a, b in (down, up))
    return float(gap - low), float(gap + high)


def _between_estimates(one: float, other: float, between: float) -> float:
    """The correlation of the two estimated correlations (Steiger 1980, equation 3)."""
    scale = (1 - one * one) * (1 - other * other)
    if scale <= 0:
        return 0.0
    left = 1 - one * one - other * other - between * between
    return float(np.clip(((between - one * other / 2) * left + between**3) / scale, -1, 1))


def _williams(one: float, other: float, between: float, n: int) -> float:
    gap, middle = one - other, (one + other) / 2
    determinant = 1 - one * one - other * other - between * between + 2 * one * other * between
    bottom = 2 * (n - 1) / (n - 3) * max(determinant, 0) + middle * middle * (1 - between) ** 3
    if abs(gap) < 1e-12:
        return 0.0
    return float(gap * np.sqrt((n - 1) * (1 + between) / bottom)) if bottom > 0 else float(np.sign(gap)) * np.inf
