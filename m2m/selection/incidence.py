"""Turns the long units table into the row × unit incidence, grouped both ways, in canonical order."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Int32, Int64


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


def build_incidence(
    table: pl.DataFrame, ids: pl.Series, inside: Bool[np.ndarray, "rows"]
) -> tuple[Incidence, pl.Series]:
    """The incidence of the pool rows `ids` (unique, sorted) that are `inside`, and the unit names, sorted.

    `table` has the columns id and unit in any row order, no pair twice. A unit that no row inside carries is left out.
    ValueError names an id that is not in the pool.
    """
    rows = _codes(table["id"], ids)
    if rows.null_count():
        raise ValueError(f"units must belong to rows of the pool, got id {table['id'].filter(rows.is_null())[0]!r}")
    is_inside = pl.Series(inside).gather(rows)
    unit = table["unit"].filter(is_inside)
    names = unit.unique().sort()
    grouped = group_pairs(_numbers(rows.filter(is_inside)), _numbers(_codes(unit, names)), len(ids), len(names))
    return grouped, names


def group_pairs(
    rows: Int32[np.ndarray, "pairs"], units: Int32[np.ndarray, "pairs"], n_rows: int, n_units: int
) -> Incidence:
    """The incidence of distinct (row, unit) pairs in any order."""
    by_row = np.sort(rows.astype(np.int64) * n_units + units)
    by_unit = np.sort(units.astype(np.int64) * n_rows + rows)
    return Incidence(
        _starts(rows, n_rows),
        (by_row % max(n_units, 1)).astype(np.int32),
        _starts(units, n_units),
        (by_unit % max(n_rows, 1)).astype(np.int32),
    )


def _starts(keys: Int32[np.ndarray, "pairs"], n_keys: int) -> Int64[np.ndarray, "keys+1"]:
    """Where the pairs of each key begin when they are sorted by key."""
    return np.append(0, np.bincount(keys, minlength=n_keys).cumsum())


def _codes(names: pl.Series, categories: pl.Series) -> pl.Series:
    """The position of each name in `categories`, null where it is not in them."""
    return names.cast(pl.Enum(categories), strict=False).to_physical()


def _numbers(codes: pl.Series) -> Int32[np.ndarray, "pairs"]:
    return codes.cast(pl.Int32).to_numpy()
