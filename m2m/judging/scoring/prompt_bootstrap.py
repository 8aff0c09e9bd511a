"""95 % intervals of a win rate or a ratio of sums, by bootstrap over prompts."""

import math

import numpy as np
from jaxtyping import Float, Float64, Num

DRAWS_AT_ONCE = 1 << 20  # prompt numbers held in memory: 8 MiB
NORMAL_QUANTILE = 1.959963984540054  # 97.5 %
FEW_PROMPTS = 100  # below, preferences near 0 or 1 often lack the rare loss: the bootstrap alone held in 38 to 78 %


def bootstrap_win_rate(
    wins: Float[np.ndarray, "prompts"], games: Float[np.ndarray, "prompts"], rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval (low, high) of a win rate, Σ wins / Σ games; a prompt's wins are 0 to its games.

    The interval of `bootstrap_ratio`. It is widened to Wilson's (1927) below 100 prompts, and if every prompt is won
    or lost or all are equal. For ten wins in ten the bootstrap alone gives 1 to 1, Wilson's 0.72 to 1.
    """
    interval = bootstrap_ratio(wins, games, rng, resamples)
    shares = wins / games
    if len(wins) >= FEW_PROMPTS and not (np.isin(shares, (0, 1)).all() or shares.min() == shares.max()):
        return interval
    return widen_to_wilson(interval, float(wins.sum() / games.sum()), len(wins))


def widen_to_wilson(interval: tuple[float, float], share: float, trials: int) -> tuple[float, float]:
    """The union of `interval` (low, high) and Wilson's interval of `share`, 0..1, in `trials`."""
    low, high = compute_wilson(share, trials)
    return min(low, interval[0]), max(high, interval[1])


def compute_wilson(share: float, trials: int) -> tuple[float, float]:
    """Wilson's (1927) 95 % interval (low, high) of a share in `trials`; the import of statsmodels takes a second."""
    slack = NORMAL_QUANTILE**2 / trials
    center, half = share + slack / 2, math.sqrt(slack * (share * (1 - share) + slack / 4))
    return (center - half) / (1 + slack), (center + half) / (1 + slack)


def bootstrap_ratio(
    tops: Num[np.ndarray, "prompts"], bottoms: Num[np.ndarray, "prompts"], rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval (low, high) of Σ tops / Σ bottoms over prompts: the percentile bootstrap over prompts.

    Bits per byte are (bits, bytes); a paired difference of two models is (bits − other bits, bytes). Efron and
    Tibshirani 1993, section 13.3. Percentile form, because on ratios its coverage was better than BCa's (`python -m
    bench.intervals`). The interval covers the choice of prompts only: training noise is not in it, and it is too narrow
    if prompts resemble each other. It depends on `rng` and on the order of the rows: sort them by id. ValueError below
    two prompts, without resamples, and for a number that is not finite: the caller drops and counts missing prompts.
    """
    _check(tops, bottoms)
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}. 10,000 are usual.")
    block = max(1, DRAWS_AT_ONCE // len(tops))
    sizes = [min(block, resamples - start) for start in range(0, resamples, block)]
    ratios = np.concatenate([_resampled(tops, bottoms, rng, size) for size in sizes])
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)


def _check(tops: Num[np.ndarray, "prompts"], bottoms: Num[np.ndarray, "prompts"]) -> None:
    if len(tops) < 2:
        raise ValueError(f"an interval over prompts needs at least 2, got {len(tops)}")
    if not (np.isfinite(tops).all() and np.isfinite(bottoms).all()):
        raise ValueError("An interval over prompts needs finite numbers. Leave missing prompts out and count them.")


def _resampled(
    tops: Num[np.ndarray, "prompts"], bottoms: Num[np.ndarray, "prompts"], rng: np.random.Generator, resamples: int
) -> Float64[np.ndarray, "resamples"]:
    sample = rng.integers(len(tops), size=(resamples, len(tops)))
    return np.asarray(tops[sample].sum(axis=1) / bottoms[sample].sum(axis=1))
