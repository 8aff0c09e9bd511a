"""Two columns of numbers → their correlation with its interval: of values, of ranks, or with a third controlled."""

from itertools import permutations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

Column = Float[np.ndarray, "points"]
EXACT_POINTS = 7  # points: 5,040 orders


class Correlation(NamedTuple):
    """r with its 95 % interval and the two-sided p of no correlation, over so many points."""

    r: float
    low: float
    high: float
    p: float
    points: int


def pearson(x: Column, y: Column) -> Correlation:
    """The linear correlation with Fisher's interval. ValueError below 4 points and for a column that does not vary."""
    check_columns(x, y)
    result = stats.pearsonr(x, y)
    ends = result.confidence_interval(0.95)
    return Correlation(float(result.statistic), float(ends.low), float(ends.high), float(result.pvalue), len(x))


def spearman(x: Column, y: Column) -> Correlation:
    """The correlation of the ranks; interval of Bonett and Wright 2000 (standard error √((1 + r²/2) / (n − 3))).

    A perfect order is counted half a swap of neighbours short of 1, where the interval would have no width: among
    four points it comes by chance every twelfth time. The p of up to seven points is exact, by all their orders.
    """
    check_columns(x, y)
    result, n = stats.spearmanr(x, y), len(x)
    r, short = float(result.statistic), 1 - 6 / (n * (n * n - 1))
    low, high = fisher_interval(float(np.clip(r, -short, short)), float(np.sqrt((1 + r * r / 2) / (n - 3))))
    p = _compute_exact_p(x, y) if n <= EXACT_POINTS else float(result.pvalue)
    return Correlation(r, min(low, r), max(high, r), p, n)


def partial_correlation(x: Column, y: Column, control: Column) -> Correlation:
    """The correlation of the residuals of `x` and of `y`, each regressed on `control`.

    Fisher's interval with n − 4 (one variable held fixed), p from t with n − 3. ValueError below 5 points, for a
    column that does not vary, and where `x` or `y` is `control` in another scale: nothing is left of it.
    """
    check_columns(x, y, control, minimum=5)
    n = len(x)
    r = float(np.clip(stats.pearsonr(_residuals(x, control), _residuals(y, control)).statistic, -1, 1))
    low, high = fisher_interval(r, float(1 / np.sqrt(n - 4)))
    ratio = abs(r) * np.sqrt((n - 3) / max(1 - r * r, 1e-300))
    return Correlation(r, low, high, float(2 * stats.t.sf(ratio, n - 3)), n)


def _compute_exact_p(x: Column, y: Column) -> float:
    """The share of all orders of `x` whose ranks go with those of `y` as closely, either way."""
    ranks, fixed = stats.rankdata(x), stats.rankdata(y)
    orders = np.array(list(permutations(ranks - ranks.mean())))
    products = np.abs(orders @ (fixed - fixed.mean()))
    return float((products >= products[0] - 1e-9).mean())


def fisher_interval(r: float, se: float) -> tuple[float, float]:
    """The 95 % interval of a correlation whose arc tangent is normal with standard error `se`."""
    if abs(r) >= 1:
        return r, r
    half = 1.959963984540054 * se
    return float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


def check_columns(*columns: Column, minimum: int = 4) -> None:
    """ValueError below `minimum` points, and for a column that does not vary."""
    if len(columns[0]) < minimum:
        raise ValueError(f"a correlation with an interval needs at least {minimum} points, got {len(columns[0])}")
    if any(_is_constant(column) for column in columns):
        raise ValueError(f"a correlation needs numbers that vary, one column is the same in all {len(columns[0])}")


def _is_constant(column: Column) -> bool:
    return bool(np.ptp(column) <= 1e-12 * np.abs(column).max())


def _residuals(column: Column, control: Column) -> Column:
    centred, slope = column - column.mean(), control - control.mean()
    residuals = centred - slope * (slope @ centred) / (slope @ slope)
    if residuals @ residuals <= 1e-18 * (centred @ centred):
        raise ValueError("a partial correlation needs two different columns, one is the controlled one in other units")
    return np.asarray(residuals)
