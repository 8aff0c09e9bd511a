"""How far raters agree: Krippendorff's alpha, with an interval over pairs."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64

RESAMPLES = 2000


class Agreement(NamedTuple):
    """Alpha and its 95 % interval; NaN where it is not defined."""

    alpha: float
    low: float
    high: float


def calculate_alpha(table: Float64[np.ndarray, "raters items"]) -> float:
    """Krippendorff's alpha with squared differences; 1 is full agreement, 0 chance. NaN is a missing value.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", interval metric: 1 − observed / expected
    disagreement, from the items that two or more raters rated. NaN where there are none or all values are equal.
    """
    return float(_calculate_alphas(*_summarize_items(table)))


def estimate_agreement(table: Float64[np.ndarray, "raters items"], seed: int) -> Agreement:
    """Alpha and its percentile interval from 2,000 bootstrap samples of the items."""
    sums = np.array(_summarize_items(table))
    if not sums.shape[1]:
        return Agreement(np.nan, np.nan, np.nan)
    picks = np.random.default_rng(seed).integers(sums.shape[1], size=(RESAMPLES, sums.shape[1]))
    alphas = _calculate_alphas(*sums[:, picks])
    alphas = alphas[~np.isnan(alphas)]
    low, high = np.quantile(alphas, [0.025, 0.975]) if len(alphas) else (np.nan, np.nan)
    return Agreement(calculate_alpha(table), float(low), float(high))


def _summarize_items(table: Float64[np.ndarray, "raters items"]) -> tuple[Float64[np.ndarray, "items"], ...]:
    """For each item with two or more ratings their number, sum and sum of squares."""
    shared = table[:, (~np.isnan(table)).sum(axis=0) > 1]
    return (~np.isnan(shared)).sum(axis=0).astype(np.float64), np.nansum(shared, axis=0), np.nansum(shared**2, axis=0)


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
