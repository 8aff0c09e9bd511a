"""Turns the long units table into the row × unit incidence, grouped both ways, in canonical order."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Int32, Int64
from numba import njit


class Incidence(NamedTuple):
    """Which row carries which unit; `…_start[i] : …_start[i + 1]` bounds what belongs to row or unit i, ascending.

    A row without a unit has an empty stretch.
    """

    row_start: Int64[np.ndarray, "rows+1"]
    row_units: Int32[np.ndarray, "pairs"]
    unit_start: Int64[np.ndarray, "units+1"]
    unit_rows: Int32[np.ndarray, "pairs"]

    def counts(self, rows: Bool[np.ndarray, "rows"]) -> Int64[np.ndarray, "units"]:
        """How many of the `rows` carry each unit."""
        return np.diff(np.flatnonzero(rows[self.unit_rows]).searchsorted(self.unit_start))


def incidence(table: pl.DataFrame, ids: pl.Series, inside: Bool[np.ndarray, "rows"]) -> tuple[Incidence, pl.Series]:
    """The incidence of the pool rows `ids` (unique, sorted) that are `inside`, and the unit names, sorted.

    `table` has the columns id and unit in any row order, no pair twice. A unit that no row inside carries is left out.
    ValueError names an id that is no row of the pool.
    """
    rows = _codes(table["id"], ids)
    if rows.null_count():
        raise ValueError(f"units must belong to rows of the pool, got id {table['id'].filter(rows.is_null())[0]!r}")
    kept = pl.Series(inside).gather(rows)
    unit = table["unit"].filter(kept)
    names = unit.unique().sort()
    grouped = group_pairs(_numbers(rows.filter(kept)), _numbers(_codes(unit, names)), len(ids), len(names))
    return grouped, names


def group_pairs(
    rows: Int32[np.ndarray, "pairs"], units: Int32[np.ndarray, "pairs"], n_rows: int, n_units: int
) -> Incidence:
    """The incidence of distinct (row, unit) pairs in any order: counting sorts, O(pairs)."""
    by_unit = _group(units, rows, n_units)
    by_row = _group(by_unit[1], _keys(by_unit[0]), n_rows)
    return Incidence(*by_row, *_group(by_row[1], _keys(by_row[0]), n_units))


def _codes(names: pl.Series, categories: pl.Series) -> pl.Series:
    """The position of each name in `categories`, null where it is none of them."""
    return names.cast(pl.Enum(categories), strict=False).to_physical()


def _numbers(codes: pl.Series) -> Int32[np.ndarray, "pairs"]:
    return codes.cast(pl.Int32).to_numpy()


def _group(
    keys: Int32[np.ndarray, "pairs"], values: Int32[np.ndarray, "pairs"], n_keys: int
) -> tuple[Int64[np.ndarray, "keys+1"], Int32[np.ndarray, "pairs"]]:
    """Where the values of each key start, and the values by key, otherwise in their old order."""
    start = np.zeros(n_keys + 1, np.int64)
    start[1:] = np.bincount(keys, minlength=n_keys).cumsum()
    grouped = np.empty_like(values)
    _place(keys, values, start[:-1].copy(), grouped)
    return start, grouped


def _keys(start: Int64[np.ndarray, "keys+1"]) -> Int32[np.ndarray, "pairs"]:
    """The key of every value of a grouping."""
    return np.repeat(np.arange(len(start) - 1, dtype=np.int32), np.diff(start))


@njit(cache=True)
def _place(keys, values, free, grouped):  # type: ignore[no-untyped-def]
    for i in range(len(keys)):
        grouped[free[keys[i]]] = values[i]
        free[keys[i]] += 1
