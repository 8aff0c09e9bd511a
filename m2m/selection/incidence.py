"""Turns the long units table into the row × unit incidence, grouped both ways, in canonical order."""

from collections.abc import Iterable
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


def build_incidence(
    table: pl.DataFrame | Iterable[pl.DataFrame], ids: pl.Series, inside: Bool[np.ndarray, "rows"]
) -> tuple[Incidence, pl.Series]:
    """The incidence of the pool rows `ids` (unique, sorted) that are `inside`, and the unit names, sorted.

    `table`, or its slices, has the columns id and unit in any row order, no pair twice. A unit that no row inside
    carries is left out. Of names only numbers are kept, 8 bytes a pair. ValueError names an id that is not in the pool.
    """
    slices = [table] if isinstance(table, pl.DataFrame) else table
    rows, codes, distinct = [], [], [pl.Series("unit", [], pl.Categorical)]
    for piece in slices:
        row = _number_rows(piece["id"], ids)
        is_inside = pl.Series(inside).gather(row)
        categories = piece["unit"].filter(is_inside).cast(pl.Categorical)  # each name is hashed once, by the cast
        rows.append(row.filter(is_inside).to_numpy())
        codes.append(categories.to_physical().cast(pl.Int32).to_numpy())
        distinct.append(categories.unique())
    numbers, names = _number_units(pl.concat(distinct).unique())
    nothing = np.zeros(0, np.int32)
    units = np.concatenate([nothing, *(numbers[codes.pop(0)] for _ in range(len(codes)))])
    return group_pairs(np.concatenate([nothing, *rows]), units, len(ids), len(names)), names


def group_pairs(
    rows: Int32[np.ndarray, "pairs"], units: Int32[np.ndarray, "pairs"], n_rows: int, n_units: int
) -> Incidence:
    """The incidence of distinct (row, unit) pairs in any order."""
    row_start, unit_start = _count_starts(rows, n_rows), _count_starts(units, n_units)
    row_units = _transpose(unit_start, _scatter(units, rows, unit_start), row_start)
    return Incidence(row_start, row_units, unit_start, _transpose(row_start, row_units, unit_start))


def _number_rows(names: pl.Series, ids: pl.Series) -> pl.Series:
    """The position in the sorted `ids` of each of `names`, whose equal neighbours are looked up once."""
    is_first = (names != names.shift(1)).fill_null(True)
    firsts = names.filter(is_first)
    positions = ids.search_sorted(firsts).clip(upper_bound=max(len(ids) - 1, 0)).cast(pl.Int32)
    is_absent = firsts != ids.gather(positions) if len(ids) else pl.repeat(True, len(firsts), eager=True)
    if is_absent.any():
        raise ValueError(f"units must belong to rows of the pool, got id {firsts.filter(is_absent)[0]!r}")
    return positions.gather(is_first.cum_sum() - 1)


def _number_units(distinct: pl.Series) -> tuple[Int32[np.ndarray, "codes"], pl.Series]:
    """The number of each category's code among the sorted names, and those.

    A code depends on what was cast before; the number does not.
    """
    order = distinct.cast(pl.String).arg_sort()
    sorted_codes = distinct.to_physical().gather(order).to_numpy()
    numbers = np.empty(int(sorted_codes.max()) + 1 if len(order) else 0, np.int32)
    numbers[sorted_codes] = np.arange(len(order), dtype=np.int32)
    return numbers, distinct.cast(pl.String).gather(order)


@njit(cache=True)
def _count_starts(keys, n_keys):  # type: ignore[no-untyped-def]
    """Where the pairs of each key begin when they are sorted by key."""
    starts = np.zeros(n_keys + 1, np.int64)
    for key in keys:
        starts[key + 1] += 1
    return starts.cumsum()


@njit(cache=True)
def _scatter(keys, values, starts):  # type: ignore[no-untyped-def]
    """The values of each key, in the order in which they come."""
    place, grouped = starts[:-1].copy(), np.empty(len(values), np.int32)
    for i in range(len(keys)):
        grouped[place[keys[i]]] = values[i]
        place[keys[i]] += 1
    return grouped


@njit(cache=True)
def _transpose(starts, values, value_starts):  # type: ignore[no-untyped-def]
    """For each value the keys that have it, ascending; `values[starts[key] : starts[key + 1]]` are those of a key."""
    place, grouped = value_starts[:-1].copy(), np.empty(len(values), np.int32)
    for key in range(len(starts) - 1):
        for i in range(starts[key], starts[key + 1]):
            grouped[place[values[i]]] = key
            place[values[i]] += 1
    return grouped
