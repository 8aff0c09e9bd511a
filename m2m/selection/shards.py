"""Splits pools that are too large for an exact choice into random shards: rows are chosen in each, then among those."""

from math import ceil

import numpy as np
from jaxtyping import Int64

EXACT_ROWS = 200_000  # facility location compares every two rows: four CPU minutes of 384 dimensions
PAIRS_PER_SECOND = {"k-center": 25e6, "facility-location": 83e6, "stochastic-facilities": 83e6}  # of 384 dimensions
BOUNDS = {
    "k-center": "no row is farther from the subset than 4 times what the best subset of as many rows allows",
    "facility-location": "the sum is expected to be within (1 − 1/e) / 2 of the best",
    "stochastic-facilities": "the sum is expected to be near that of the exact greedy",
}


def split_rows(rows: Int64[np.ndarray, "rows"], exact_rows: int = EXACT_ROWS) -> list[Int64[np.ndarray, "shard"]]:
    """`rows`, in random order, as one shard; more than `exact_rows` in equal shards of at most half as many."""
    return np.array_split(rows, ceil(2 * len(rows) / exact_rows)) if len(rows) > exact_rows else [rows]


def describe_shards(strategy: str, costs: Int64[np.ndarray, "rows"], size: int) -> str:
    """How `strategy` chooses rows of summed `costs` `size`, how far from the best, how long; empty where it is exact.

    `costs` has the rows that take part.
    """
    rows = len(costs)
    if strategy not in BOUNDS or rows <= EXACT_ROWS:
        return ""
    shards, subset_rows = ceil(2 * rows / EXACT_ROWS), size / costs.mean()
    pairs = rows * subset_rows if strategy == "k-center" else rows * (rows / shards / 2 + subset_rows)
    return (
        f"{strategy} is exact up to {EXACT_ROWS:,} rows. It chooses from {rows:,} in {shards} random shards, then from "
        f"what they chose: {BOUNDS[strategy]}. That takes about {pairs / PAIRS_PER_SECOND[strategy] / 60:,.0f} minutes "
        "for vectors of 384 numbers"
    )
