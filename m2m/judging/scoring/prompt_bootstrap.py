"""Turns one number a prompt into a 95 % interval of a ratio of sums, or of a win rate, by resampling prompts."""

import numpy as np
from jaxtyping import Float, Float64, Num

DRAWS_AT_ONCE = 1 << 20  # prompt numbers held in memory: 8 MiB


def share_interval(
    won: Float[np.ndarray, "prompts"], games: Float[np.ndarray, "prompts"], rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval (low, high) of a win rate, Σ won / Σ games, each prompt's won of 0 to its games.

    That of `ratio_interval`, and at least Wilson's (1927) where prompts are won or lost whole, or all alike: of ten
    wins in ten the bootstrap makes 1 to 1, where 0.72 to 1 is known.
    """
    low, high = ratio_interval(won, games, rng, resamples)
    shares = won / games
    if not (np.isin(shares, (0, 1)).all() or shares.min() == shares.max()):
        return low, high
    from statsmodels.stats.proportion import proportion_confint

    at_least = proportion_confint(len(won) * won.sum() / games.sum(), len(won), method="wilson")
    return min(low, float(at_least[0])), max(high, float(at_least[1]))


def ratio_interval(
    tops: Num[np.ndarray, "prompts"], bottoms: Num[np.ndarray, "prompts"], rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval (low, high) of Σ tops / Σ bottoms over prompts: the percentile bootstrap, prompts drawn whole.

    Bits a byte are (bits, bytes); a paired difference of two models on the same prompts is (bits − other bits,
    bytes). Efron and Tibshirani 1993, section 13.3. The percentile form, because on ratios it held the truth more
    often than BCa (figures: `python -m bench.intervals`). It knows of the choice of prompts only, and takes each for
    itself: of prompts that are alike, such as those of one source, it knows too little; nothing of training noise.
    Depends on `rng` and on the order of the rows: sort them by id. ValueError below two prompts, without resamples, and
    for a number that is not finite: missing prompts are for the caller to leave out and count.
    """
    _check(tops, bottoms)
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, got {resamples}: 10,000 are usual")
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
