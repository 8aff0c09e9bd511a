"""Computes what chosen rows cover of the units: coverage, evenness, distinct mid-band types."""

from collections.abc import Collection

import numpy as np
import polars as pl
from jaxtyping import Int64

from m2m.arrays import entropy_bits


def count_units(units: pl.DataFrame, ids: pl.Series) -> Int64[np.ndarray, "units"]:
    """How many of the rows `ids` carry each unit of the table (columns id and unit), zeros last."""
    carried = units.filter(pl.col("id").is_in(ids.implode()))["unit"].value_counts()["count"].sort(descending=True)
    counts = np.zeros(units["unit"].n_unique(), np.int64)
    counts[: len(carried)] = carried.to_numpy()
    return counts


def count_mid_types(types: Collection[str], bands: pl.DataFrame) -> int:
    """How many of the token `types` stand in the mid-frequency band of `bands`, as in schema Bands."""
    return int(bands.filter(pl.col("band") == "mid")["token"].is_in(list(types)).sum())


def count_covered_units(counts: Int64[np.ndarray, "units"]) -> int:
    """Units that some chosen row carries; for micro units these are the distinct mid-band token types."""
    return int(np.count_nonzero(counts))


def unit_coverage(counts: Int64[np.ndarray, "units"]) -> float:
    """Share of the strategy's units that some chosen row carries, 0..1; `counts` holds a zero for every other."""
    if not len(counts):
        raise ValueError("coverage is a share of the strategy's units, and the strategy has none")
    return count_covered_units(counts) / len(counts)


def unit_evenness(counts: Int64[np.ndarray, "units"]) -> float:
    """Entropy of the counts over the entropy of equal counts of the units present, 0..1; 1 when all are equal.

    Pielou 1966's J. Absent units do not count: coverage measures them. One unit is even (1), no unit present is 0.
    """
    present = count_covered_units(counts)
    return float(present) if present < 2 else min(entropy_bits(counts) / float(np.log2(present)), 1.0)  # by rounding
