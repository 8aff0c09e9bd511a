"""Turns one number a prompt into a 95 % interval of their mean, or of a ratio of sums, by resampling prompts."""

import numpy as np
from jaxtyping import Float, Float64, Num

DRAWS_AT_ONCE = 1 << 20  # prompt numbers held in memory: 8 MiB


def mean_interval(
    scores: Float[np.ndarray, "prompts"], rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval (low, high) of the mean score; see `ratio_interval`, of which this is the case of bottoms 1."""
    return ratio_interval(scores, np.ones(len(scores)), rng, resamples)


def ratio_interval(
    tops: Num[np.ndarray, "prompts"], bottoms: Num[np.ndarray, "prompts"], rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval (low, high) of Σ tops / Σ bottoms over prompts: the percentile bootstrap, prompts drawn whole.

    Bits a byte are (bits, bytes); a paired difference of two models on the same prompts is (bits − other bits,
    bytes). Efron and Tibshirani 1993, section 13.3. The percentile form, because on ratios it held the truth more
    often than BCa and it has an answer where all prompts agree (figures: `python -m bench.intervals`). It knows of
    the choice of prompts only, nothing of training noise. Depends on `rng` and on the order of the rows: sort them by
    id. ValueError below two prompts and for a number that is not finite: missing prompts are for the caller to leave
    out and count.
    """
    _check(tops, bottoms)
    block = max(1, DRAWS_AT_ONCE // len(tops))
    sizes = [min(block, resamples - done) for done in range(0, resamples, block)]
    ratios = np.concatenate([_resampled(tops, bottoms, rng, size) for size in sizes])
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)


def _check(tops: Num[np.ndarray, "prompts"], bottoms: Num[np.ndarray, "prompts"]) -> None:
    if len(tops) < 2:
        raise ValueError(f"an interval over prompts needs at least 2 of them, got {len(tops)}")
    if not (np.isfinite(tops).all() and np.isfinite(bottoms).all()):
        raise ValueError("an interval over prompts takes finite numbers only: leave missing prompts out and count them")


def _resampled(
    tops: Num[np.ndarray, "prompts"], bottoms: Num[np.ndarray, "prompts"], rng: np.random.Generator, resamples: int
) -> Float64[np.ndarray, "resamples"]:
    drawn = rng.integers(len(tops), size=(resamples, len(tops)))
    return np.asarray(tops[drawn].sum(axis=1) / bottoms[drawn].sum(axis=1))
