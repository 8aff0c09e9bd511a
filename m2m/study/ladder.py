"""Two models trained on the same subsets → how far the cheap one orders configurations as the other does."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float64, Int64
from scipy.stats import rankdata

from m2m.study.cells.cells import SETTING, get_column, select_outcome
from m2m.study.cells.labels import CONFIGURATION

KEY = [*SETTING, *CONFIGURATION]
LEAST = 4  # configurations: three have six orders


class ShareOrNumber(NamedTuple):
    """A value with its 95 % interval over configurations."""

    value: float
    low: float
    high: float


class Ladder(NamedTuple):
    """What a proxy is worth for the target's decisions between configurations."""

    cells: int  # that both models were trained on
    left_out: int  # cells of one model alone
    configurations: int
    seed_noise: float  # sd between the target's seeds of a configuration
    rank_correlation: ShareOrNumber  # Spearman's, of the configurations' means
    pairs: int  # of configurations whose means differ by more than the seed noise in the target
    all_pairs: int
    agreement: ShareOrNumber  # the share of `pairs` that the proxy orders as the target does


def compare_ladder(
    proxy: pl.DataFrame, target: pl.DataFrame, outcome: str, rng: np.random.Generator, resamples: int
) -> Ladder:
    """Compare two tables of cells, as from `select_comparable`, by `outcome`; intervals resample configurations.

    A cell counts where both tables have it: the same configuration, setting and seed. ValueError below four
    configurations, without two seeds of any, and where no pair differs by more than the seed noise.
    """
    keys = [*KEY, "seed"]
    tables = [select_outcome(table, outcome).select(*keys, "worth") for table in (proxy, target)]
    cells = tables[0].join(tables[1], on=keys, suffix="_target").sort(keys)
    means = cells.group_by(KEY, maintain_order=True).agg(pl.col("worth", "worth_target").mean())
    if len(means) < LEAST:
        raise ValueError(
            f"a ladder needs at least {LEAST} configurations that both models were trained on, got {len(means)}: "
            "train the proxy on the subsets of the target's study"
        )
    noise = _estimate_seed_noise(cells)
    proxy_means, target_means = get_column(means), get_column(means, "worth_target")
    clear = np.triu(np.abs(target_means[:, None] - target_means) > noise, 1)
    if not clear.any():
        raise ValueError(f"no two configurations differ by more than the target's seed noise, {noise:.2g}: add seeds")
    draws = rng.integers(len(means), size=(resamples, len(means)))
    return Ladder(
        cells=len(cells),
        left_out=len(tables[0]) + len(tables[1]) - 2 * len(cells),
        configurations=len(means),
        seed_noise=noise,
        rank_correlation=_correlate_ranks(proxy_means, target_means, draws),
        pairs=int(clear.sum()),
        all_pairs=len(means) * (len(means) - 1) // 2,
        agreement=_share_agreeing(proxy_means, target_means, clear, draws),
    )


def _estimate_seed_noise(cells: pl.DataFrame) -> float:
    """The target's standard deviation between seeds, pooled over configurations."""
    deviations = get_column(cells.select(worth=pl.col("worth_target") - pl.col("worth_target").mean().over(KEY)))
    freedom = len(cells) - cells.select(KEY).n_unique()
    if not freedom:
        raise ValueError("seed noise needs two seeds of a configuration, each configuration has one: add seeds")
    return float(np.sqrt(deviations @ deviations / freedom))


def _correlate_ranks(
    proxy: Float64[np.ndarray, "points"],
    target: Float64[np.ndarray, "points"],
    draws: Int64[np.ndarray, "draws points"],
) -> ShareOrNumber:
    all_rows = np.arange(len(proxy))[None]
    ranks = [[_center(rankdata(column[rows], axis=1)) for column in (proxy, target)] for rows in (all_rows, draws)]
    (observed,), resampled = (_correlate(x, y) for x, y in ranks)
    return _with_interval(float(observed), resampled)


def _share_agreeing(
    proxy: Float64[np.ndarray, "points"],
    target: Float64[np.ndarray, "points"],
    clear: Bool[np.ndarray, "points points"],
    draws: Int64[np.ndarray, "draws points"],
) -> ShareOrNumber:
    """A pair that the proxy cannot tell apart, to the last bit, is not agreed on."""
    same_order = np.sign(proxy[:, None] - proxy) == np.sign(target[:, None] - target)
    counts = np.stack([np.bincount(rows, minlength=len(proxy)) for rows in draws]).astype(float)
    with np.errstate(invalid="ignore"):  # a draw may have no pair
        resampled = _count_pairs(counts, clear & same_order) / _count_pairs(counts, clear)
    return _with_interval(float((clear & same_order).sum() / clear.sum()), resampled)


def _count_pairs(
    counts: Float64[np.ndarray, "draws points"], pairs: Bool[np.ndarray, "points points"]
) -> Float64[np.ndarray, "draws"]:
    """The `pairs` of each draw, where a configuration stands as often as it was drawn."""
    return np.asarray(((counts @ pairs.astype(float)) * counts).sum(axis=1))


def _with_interval(value: float, resampled: Float64[np.ndarray, "draws"]) -> ShareOrNumber:
    low, high = np.nanquantile(resampled, (0.025, 0.975))
    return ShareOrNumber(value, float(low), float(high))


def _center(ranks: Float64[np.ndarray, "draws points"]) -> Float64[np.ndarray, "draws points"]:
    return np.asarray(ranks - ranks.mean(axis=1, keepdims=True))


def _correlate(
    x: Float64[np.ndarray, "draws points"], y: Float64[np.ndarray, "draws points"]
) -> Float64[np.ndarray, "draws"]:
    """Pearson's correlation of centred rows; NaN where one does not vary."""
    with np.errstate(invalid="ignore"):
        return np.asarray((x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1)))
