"""The incidence is the same whatever the order of the table, and says exactly what the table says."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection.incidence import build_incidence, group_pairs

TABLES = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("xyzé▁")), unique=True)
IDS = pl.Series("id", list("abcdef"))
EVERY = np.ones(6, np.bool_)


def table_of(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"id": pl.String, "unit": pl.String}, orient="row")


@settings(deadline=None)
@given(TABLES, st.lists(st.booleans(), min_size=6, max_size=6))
def test_both_groupings_hold_the_pairs_of_the_rows_inside_and_no_other(
    pairs: list[tuple[str, str]], inside: list[bool]
) -> None:
    (row_start, row_units, unit_start, unit_rows), names = build_incidence(table_of(pairs), IDS, np.array(inside))
    rows = np.repeat(np.arange(6), np.diff(row_start))
    units = np.repeat(np.arange(len(names)), np.diff(unit_start))
    expected = sorted((a, b) for a, b in pairs if inside["abcdef".index(a)])
    assert [(IDS[int(row)], names[int(unit)]) for row, unit in zip(rows, row_units, strict=True)] == expected
    assert sorted(zip(unit_rows, units, strict=True)) == sorted(zip(rows, row_units, strict=True))
    assert names.to_list() == sorted({unit for _, unit in expected})


@settings(deadline=None)
@given(TABLES.flatmap(lambda pairs: st.tuples(st.just(pairs), st.permutations(pairs))))
def test_the_order_of_the_table_changes_nothing(orders: tuple[list[tuple[str, str]], list[tuple[str, str]]]) -> None:
    (one, names), (other, other_names) = (build_incidence(table_of(pairs), IDS, EVERY) for pairs in orders)
    assert names.to_list() == other_names.to_list()
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(one, other, strict=True))


@settings(deadline=None)
@given(TABLES, st.integers(1, 4), st.lists(st.booleans(), min_size=6, max_size=6))
def test_slices_of_the_table_give_the_same(pairs: list[tuple[str, str]], rows: int, inside: list[bool]) -> None:
    whole, names = build_incidence(table_of(pairs), IDS, np.array(inside))
    sliced, sliced_names = build_incidence(table_of(pairs).iter_slices(rows), IDS, np.array(inside))
    assert names.to_list() == sliced_names.to_list()
    assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(whole, sliced, strict=True))


def test_no_slice_gives_no_unit() -> None:
    (row_start, _, unit_start, _), names = build_incidence(iter([]), IDS, EVERY)
    assert (names.len(), row_start.tolist(), unit_start.tolist()) == (0, 7 * [0], [0])


def test_a_row_without_a_unit_has_an_empty_stretch() -> None:
    (row_start, *_), _ = build_incidence(table_of([("b", "x"), ("b", "y"), ("d", "x")]), IDS, EVERY)
    assert np.diff(row_start).tolist() == [0, 2, 0, 1, 0, 0]


def test_a_unit_that_only_rows_outside_carry_is_left_out() -> None:
    _, names = build_incidence(table_of([("a", "x"), ("b", "y")]), IDS, np.array([True, False] + 4 * [True]))
    assert names.to_list() == ["x"]


def test_no_pair_at_all_gives_no_unit() -> None:
    (row_start, _, unit_start, _), names = build_incidence(table_of([]), IDS, EVERY)
    assert (names.len(), row_start.tolist(), unit_start.tolist()) == (0, 7 * [0], [0])


def test_counts_are_of_the_rows_given_that_carry_a_unit() -> None:
    carried, _ = build_incidence(table_of([("a", "x"), ("b", "x"), ("b", "y"), ("c", "z")]), IDS, EVERY)
    assert carried.counts(np.array([False, True, False, False, False, False])).tolist() == [1, 1, 0]
    assert carried.counts(~EVERY).tolist() == [0, 0, 0]


def test_a_unit_number_that_no_row_has_counts_nothing() -> None:
    carried = group_pairs(np.array([0, 1], np.int32), np.array([1, 1], np.int32), 2, 4)
    assert carried.counts(np.ones(2, np.bool_)).tolist() == [0, 2, 0, 0]


def test_an_id_from_elsewhere_is_named_in_the_error() -> None:
    with pytest.raises(ValueError, match="units must belong to rows of the pool, got id 'z'"):
        build_incidence(table_of([("a", "x"), ("z", "x")]), IDS, EVERY)
