"""Turns units and chosen rows into what the rows cover of them: coverage, evenness, distinct mid-band types."""

import numpy as np
import polars as pl
from jaxtyping import Int64

from m2m.shannon import entropy_bits
from m2m.units.micro.token_bands import BAND_NAMES, assign_bands


def unit_counts(units: pl.DataFrame, ids: pl.Series) -> Int64[np.ndarray, "units"]:
    """How many of the rows `ids` carry each unit of the table (columns id and unit), zeros last."""
    carried = units.filter(pl.col("id").is_in(ids.implode()))["unit"].value_counts()["count"].sort(descending=True)
    counts = np.zeros(units["unit"].n_unique(), np.int64)
    counts[: len(carried)] = carried.to_numpy()
    return counts


def mid_types(tokens: pl.DataFrame, ids: pl.Series, low: int, high: int) -> int:
    """Distinct token types in the rows `ids` that occur `low` … `high` times in all rows (columns id and tokens)."""
    every = tokens["tokens"].explode(empty_as_null=False).to_numpy()
    ours = tokens.filter(pl.col("id").is_in(ids.implode()))["tokens"].explode(empty_as_null=False).to_numpy()
    mid = assign_bands(np.bincount(every).astype(np.int64), low, high) == BAND_NAMES.index("mid")
    return int(np.count_nonzero(mid[np.unique(ours)]))


def units_present(counts: Int64[np.ndarray, "units"]) -> int:
    """Units that some chosen row carries; for micro units these are the distinct mid-band token types."""
    return int(np.count_nonzero(counts))


def unit_coverage(counts: Int64[np.ndarray, "units"]) -> float:
    """Share of the strategy's units that some chosen row carries, 0..1; `counts` holds a zero for every other."""
    if not len(counts):
        raise ValueError("coverage is a share of the strategy's units, and the strategy has none")
    return units_present(counts) / len(counts)


def unit_evenness(counts: Int64[np.ndarray, "units"]) -> float:
    """Entropy of the counts over the entropy of equal counts of the units present, 0..1; 1 when all are equal.

    Pielou 1966's J. Absent units do not count: coverage tells of them. One unit is even (1), no unit present is 0.
    """
    present = units_present(counts)
    return float(present) if present < 2 else entropy_bits(counts) / float(np.log2(present))
