"""Counts of token types → their frequency bands, and which rows carry which types."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Int32, Int64

Band = Literal["low", "mid", "high"]
Limits = Literal["occurrences", "share"]
BAND_NAMES: tuple[Band, ...] = ("low", "mid", "high")


def scale_limits(low: float, high: float, limits: Limits, rows: int) -> tuple[float, float]:
    """The least and the most occurrences of the middle band in a pool of `rows` rows.

    "occurrences": `low` and `high` themselves, as in the paper. "share": occurrences as a share of the rows, so that
    the band grows with the pool.

    >>> scale_limits(0.0001, 0.005, "share", 100_000)
    (10.0, 500.0)
    """
    return (low * rows, high * rows) if limits == "share" else (low, high)


def assign_bands(counts: Int64[np.ndarray, "types"], low: float, high: float) -> Int64[np.ndarray, "types"]:
    """0 (low: count < `low`), 1 (mid: `low` ≤ count ≤ `high`) or 2 (high) for each type's count in the pool.

    Section 3 of the paper, where low is 10 and high is 500. ValueError where `low` > `high`.
    """
    if low > high:
        raise ValueError(f"band.low must not be above band.high, got {low} and {high}: swap them")
    return (counts >= low).astype(np.int64) + (counts > high)


def select_types(
    bands: Int64[np.ndarray, "types"], units: Literal["low", "mid", "high", "all"]
) -> Bool[np.ndarray, "types"]:
    """Which types are units."""
    return np.ones(len(bands), bool) if units == "all" else bands == BAND_NAMES.index(units)


def collect_row_types(
    tokens: Int32[np.ndarray, "tokens"], offsets: Int64[np.ndarray, "rows+1"], selected: Bool[np.ndarray, "types"]
) -> tuple[Int32[np.ndarray, "pairs"], Int32[np.ndarray, "pairs"]]:
    """Every pair of a row and a selected type that occurs in it, once, as (rows, types), sorted by row, then type.

    Row r is `tokens[offsets[r]:offsets[r + 1]]`. Sorted row by row as a sparse matrix: 0.4 s for 7.8 M tokens, where
    one sort of all pairs takes 2.3 s and a compiled loop 0.15 s after 4 s of compiling.
    """
    from scipy.sparse import csr_array

    is_unit = selected[tokens]
    ends = np.concatenate([[0], np.cumsum(is_unit)])[offsets]
    carried = csr_array((np.ones(ends[-1], bool), tokens[is_unit], ends), shape=(len(offsets) - 1, len(selected)))
    carried.sum_duplicates()
    rows = np.repeat(np.arange(len(offsets) - 1, dtype=np.int32), np.diff(carried.indptr))
    return rows, carried.indices.astype(np.int32)


def explain_other_tokenizer(tokenizer: str) -> str:
    """That the units are not of the base model, which is trained on its own tokens; `tokenizer` as in the settings."""
    units = "words at white space" if tokenizer == "words" else f"the types of {tokenizer}"
    return f"the units are {units}, not the tokens of the base model that is trained (band.tokenizer is not base)"


def describe_units(types: int, limits: tuple[float, float], rows: int, rows_with_unit: int) -> str:
    """How many units the middle band gives, and how many rows no unit can choose.

    >>> describe_units(14_545, (10, 500), 122_488, 114_198)
    '14,545 types, of 10 to 500 occurrences in 122,488 rows; 8,290 rows (6.8 %) carry none and cannot be chosen by them'
    """
    rows_without = rows - rows_with_unit
    return (
        f"{types:,} types, of {limits[0]:,.10g} to {limits[1]:,.10g} occurrences in {rows:,} rows; "
        f"{rows_without:,} rows ({100 * rows_without / max(rows, 1):.1f} %) carry none and cannot be chosen by them"
    )
