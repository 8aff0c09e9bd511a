"""Two columns of numbers → how they go together, with its interval; a third held fixed, or ranks in their place."""

from itertools import permutations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

Column = Float[np.ndarray, "points"]
EXACT = 7  # points: 5,040 orders


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
    found = stats.pearsonr(x, y)
    ends = found.confidence_interval(0.95)
    return Correlation(float(found.statistic), float(ends.low), float(ends.high), float(found.pvalue), len(x))


def spearman(x: Column, y: Column) -> Correlation:
    """The correlation of the ranks; interval of Bonett and Wright 2000 (standard error √((1 + r²/2) / (n − 3))).

    A perfect order is counted half a swap of neighbours short of 1, where the interval would have no width: among
    four points it comes by chance every twelfth time. The p of up to seven points is exact, by all their orders.
    """
    check_columns(x, y)
    found, n = stats.spearmanr(x, y), len(x)
    r, short = float(found.statistic), 1 - 6 / (n * (n * n - 1))
    low, high = fisher_interval(float(np.clip(r, -short, short)), float(np.sqrt((1 + r * r / 2) / (n - 3))))
    p = _exact_p(x, y) if n <= EXACT else float(found.pvalue)
    return Correlation(r, min(low, r), max(high, r), p, n)


def partial_correlation(x: Column, y: Column, given: Column) -> Correlation:
    """The correlation of what `given` leaves of `x` and of `y`, each on a straight line.

    Fisher's interval with n − 4 (one variable held fixed), p from t with n − 3. ValueError below 5 points, for a
    column that does not vary, and where `x` or `y` is `given` in another scale: nothing is left of it.
    """
    check_columns(x, y, given, least=5)
    n = len(x)
    r = float(np.clip(stats.pearsonr(_left(x, given), _left(y, given)).statistic, -1, 1))
    low, high = fisher_interval(r, float(1 / np.sqrt(n - 4)))
    ratio = abs(r) * np.sqrt((n - 3) / max(1 - r * r, 1e-300))
    return Correlation(r, low, high, float(2 * stats.t.sf(ratio, n - 3)), n)


def _exact_p(x: Column, y: Column) -> float:
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


def check_columns(*columns: Column, least: int = 4) -> None:
    """ValueError below `least` points, and for a column that does not vary."""
    if len(columns[0]) < least:
        raise ValueError(f"a correlation with an interval needs at least {least} points, got {len(columns[0])}")
    if any(_constant(column) for column in columns):
        raise ValueError(f"a correlation needs numbers that vary, one column is the same in all {len(columns[0])}")


def _constant(column: Column) -> bool:
    return bool(np.ptp(column) <= 1e-12 * np.abs(column).max())


def _left(column: Column, given: Column) -> Column:
    centred, on = column - column.mean(), given - given.mean()
    left = centred - on * (on @ centred) / (on @ on)
    if left @ left <= 1e-18 * (centred @ centred):
        raise ValueError("a partial correlation needs two different things, one column is the given one in other units")
    return np.asarray(left)
