"""How far raters agree: Krippendorff's alpha, with an interval over pairs."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

RESAMPLES = 2000
CHANCE_ITEMS = 2  # added for the interval: 18 % of samples of 30 pairs have no disagreement where alpha is 0.90
LEAST_ITEMS = 8  # of 3 items, 90 of 541 intervals left out their own alpha; of 8, none of 599 (bench.human's raters)
FEW_ITEMS = 100


class Agreement(NamedTuple):
    """Alpha, its 95 % interval and the number of items with two or more ratings; NaN where one is not defined."""

    alpha: float
    low: float
    high: float
    items: int


def calculate_alpha(table: Float64[np.ndarray, "raters items"]) -> float:
    """Krippendorff's alpha with squared differences; 1 is full agreement, 0 chance. NaN is a missing value.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", interval metric: 1 − observed / expected
    disagreement, from the items that two or more raters rated. NaN where there are none or all values are equal.
    """
    return float(_calculate_alphas(*_summarize_items(table)))


def estimate_agreement(table: Float64[np.ndarray, "raters items"], seed: int) -> Agreement:
    """Alpha and its percentile interval from 2,000 bootstrap samples of the items and of two more at chance.

    Without those two, few items that agree would give an interval of no width, or one that is too short: as Agresti &
    Coull 1998 add two wins and two losses to a proportion. The interval is widened to hold alpha. It is NaN below
    LEAST_ITEMS items with two ratings, and where alpha is not defined.
    """
    sums = np.array(_summarize_items(table))
    alpha, items = float(_calculate_alphas(*sums)), sums.shape[1]
    if np.isnan(alpha) or items < LEAST_ITEMS:
        return Agreement(alpha, np.nan, np.nan, items)
    sums = np.append(sums, _make_chance_items(*sums), axis=1)
    picks = np.random.default_rng(seed).integers(sums.shape[1], size=(RESAMPLES, sums.shape[1]))
    alphas = _calculate_alphas(*sums[:, picks])
    low, high = np.nanquantile(alphas, [0.025, 0.975])
    return Agreement(alpha, min(alpha, float(low)), max(alpha, float(high)), items)


def _summarize_items(table: Float64[np.ndarray, "raters items"]) -> tuple[Float64[np.ndarray, "items"], ...]:
    """For each item with two or more ratings their number, sum and sum of squares."""
    shared = table[:, (~np.isnan(table)).sum(axis=0) > 1]
    return (~np.isnan(shared)).sum(axis=0).astype(np.float64), np.nansum(shared, axis=0), np.nansum(shared**2, axis=0)


def _make_chance_items(
    count: Float64[np.ndarray, "items"], total: Float64[np.ndarray, "items"], squares: Float64[np.ndarray, "items"]
) -> Float64[np.ndarray, "3 added"]:
    """Number, sum and sum of squares of items with two values each, as far apart as any two are on average."""
    n = count.sum()
    mean = total.sum() / n
    variance = squares.sum() / n - mean**2
    return np.tile([[2.0], [2 * mean], [2 * mean**2 + variance]], CHANCE_ITEMS)


def _calculate_alphas(
    count: Float64[np.ndarray, "... items"],
    total: Float64[np.ndarray, "... items"],
    squares: Float64[np.ndarray, "... items"],
) -> Float64[np.ndarray, "..."]:
    """Σ over ordered pairs of (a − b)² is 2 (n Σ a² − (Σ a)²): inside items for observed, over all for expected."""
    n = count.sum(axis=-1)
    observed = (2 * (count * squares - total**2) / (count - 1)).sum(axis=-1) / np.maximum(n, 1)
    expected = 2 * (n * squares.sum(axis=-1) - total.sum(axis=-1) ** 2) / np.maximum(n * (n - 1), 1)
    is_defined = expected > 1e-12
    return np.where(is_defined, 1 - observed / np.where(is_defined, expected, 1), np.nan)
