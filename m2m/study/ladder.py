"""Two models trained on the same subsets → how far the cheap one orders configurations as the other does."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float64

from m2m.study.cells.cells import SETTING, get_column, select_outcome
from m2m.study.cells.correlation import spearman
from m2m.study.cells.labels import CONFIGURATION

KEY = [*SETTING, *CONFIGURATION]
LEAST = 4  # configurations: three have six orders


class ShareOrNumber(NamedTuple):
    """A value with its 95 % interval over configurations, which always has a width."""

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
    proxy: pl.DataFrame,
    target: pl.DataFrame,
    outcome: str,
    rng: np.random.Generator,
    resamples: int,
    seed_noise: float | None = None,
) -> Ladder:
    """Compare two tables of cells, as from `select_comparable`, by `outcome`.

    A cell counts where both tables have it: the same configuration, setting and seed. `seed_noise` is the target's sd
    between seeds, estimated from these cells where it is None. The rank correlation has the interval of `spearman`,
    the share of pairs a bootstrap's over configurations. ValueError below four configurations, without two seeds of
    any, where no pair differs by more than the seed noise, and where all the proxy's means are equal.
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
    noise = _estimate_seed_noise(cells) if seed_noise is None else seed_noise
    proxy_means, target_means = get_column(means), get_column(means, "worth_target")
    clear = np.triu(np.abs(target_means[:, None] - target_means) > noise, 1)
    if not clear.any():
        raise ValueError(f"no two configurations differ by more than the target's seed noise, {noise:.2g}: add seeds")
    ranks = spearman(proxy_means, target_means)
    return Ladder(
        cells=len(cells),
        left_out=len(tables[0]) + len(tables[1]) - 2 * len(cells),
        configurations=len(means),
        seed_noise=noise,
        rank_correlation=ShareOrNumber(ranks.r, ranks.low, ranks.high),
        pairs=int(clear.sum()),
        all_pairs=len(means) * (len(means) - 1) // 2,
        agreement=_share_agreeing(proxy_means, target_means, clear, rng, resamples),
    )


def _estimate_seed_noise(cells: pl.DataFrame) -> float:
    """The target's standard deviation between seeds, pooled over configurations."""
    deviations = get_column(cells.select(worth=pl.col("worth_target") - pl.col("worth_target").mean().over(KEY)))
    freedom = len(cells) - cells.select(KEY).n_unique()
    if not freedom:
        raise ValueError("seed noise needs two seeds of a configuration, each configuration has one: add seeds")
    return float(np.sqrt(deviations @ deviations / freedom))


def _share_agreeing(
    proxy: Float64[np.ndarray, "points"],
    target: Float64[np.ndarray, "points"],
    clear: Bool[np.ndarray, "points points"],
    rng: np.random.Generator,
    resamples: int,
) -> ShareOrNumber:
    """The share of `clear` pairs that both order alike; a pair whose proxies are equal, to the last bit, is not.

    The interval is the percentile bootstrap's over the configurations and one more at chance, which differs from each
    and agrees with half. Without it, few configurations in one order would give an interval of no width.
    """
    alike = clear & (np.sign(proxy[:, None] - proxy) == np.sign(target[:, None] - target))
    all_pairs, agreeing = (np.pad(pairs.astype(float), (0, 1)) for pairs in (clear, alike))
    all_pairs[:-1, -1], agreeing[:-1, -1] = 1, 0.5
    draws = rng.integers(len(all_pairs), size=(resamples, len(all_pairs)))
    counts = np.stack([np.bincount(rows, minlength=len(all_pairs)) for rows in draws]).astype(float)
    with np.errstate(invalid="ignore"):  # a draw may have no pair
        shares = _count_pairs(counts, agreeing) / _count_pairs(counts, all_pairs)
    low, high = np.nanquantile(shares, (0.025, 0.975))
    return ShareOrNumber(float(alike.sum() / clear.sum()), float(low), float(high))


def _count_pairs(
    counts: Float64[np.ndarray, "draws points"], pairs: Float64[np.ndarray, "points points"]
) -> Float64[np.ndarray, "draws"]:
    """The `pairs` of each draw, where a configuration stands as often as it was drawn."""
    return np.asarray(((counts @ pairs) * counts).sum(axis=1))
