"""Bands of known counts; pairs against sets."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.units.micro.token_bands import assign_bands, collect_row_types, describe_units, scale_limits, select_types


def flat(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return np.array([token for text in texts for token in text], np.int32), offsets


def test_ten_and_five_hundred_belong_to_the_middle_band() -> None:
    assert assign_bands(np.array([0, 9, 10, 500, 501]), 10, 500).tolist() == [0, 0, 1, 1, 2]


def test_occurrences_stay_and_shares_grow_with_the_rows() -> None:
    assert scale_limits(10, 500, "occurrences", 7) == (10, 500)
    assert scale_limits(0.25, 0.5, "share", 8) == (2.0, 4.0)
    assert scale_limits(0.25, 0.5, "share", 80) == (20.0, 40.0)


@pytest.mark.parametrize("copies", [1, 2, 10])
def test_a_pool_of_copies_has_the_same_middle_band_by_shares(copies: int) -> None:
    counts, rows = np.array([1, 4, 5, 20, 21, 90]), 40
    limits = scale_limits(0.125, 0.5, "share", rows * copies)
    assert assign_bands(counts * copies, *limits).tolist() == [0, 0, 1, 1, 2, 2]


def test_the_sentence_counts_types_rows_and_rows_without_a_unit() -> None:
    expected = "3 types, of 2.5 to 1,000 occurrences in 2,000 rows; 500 rows (25.0 %) carry none and"
    assert describe_units(3, (2.5, 1000.0), 2000, 1500).startswith(expected)


def test_equal_thresholds_leave_one_count_in_the_middle() -> None:
    assert assign_bands(np.array([4, 5, 6]), 5, 5).tolist() == [0, 1, 2]


def test_thresholds_the_wrong_way_round_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"band.low must not be above band.high, got 500 and 10"):
        assign_bands(np.array([1]), 500, 10)


@pytest.mark.parametrize(
    ("units", "wanted"), [("low", [1, 0, 0]), ("mid", [0, 1, 0]), ("high", [0, 0, 1]), ("all", [1, 1, 1])]
)
def test_units_are_the_types_of_the_band_that_is_named(units: Any, wanted: Any) -> None:
    assert select_types(np.array([0, 1, 2]), units).tolist() == [bool(at) for at in wanted]


def test_a_type_that_a_row_repeats_is_carried_once() -> None:
    rows, types = collect_row_types(*flat([[3, 1, 3], [], [2, 2]]), np.array([True, True, False, True]))
    assert (rows.tolist(), types.tolist()) == ([0, 0], [1, 3])


@given(st.lists(st.lists(st.integers(0, 7), max_size=20), max_size=10), st.lists(st.booleans(), min_size=8, max_size=8))
def test_pairs_are_those_of_sets_sorted(texts: Any, wanted: Any) -> None:
    rows, types = collect_row_types(*flat(texts), np.array(wanted))
    expected = [(row, token) for row, text in enumerate(texts) for token in sorted(set(text)) if wanted[token]]
    assert list(zip(rows.tolist(), types.tolist(), strict=True)) == expected


def test_a_type_that_occurs_300_times_in_one_row_is_carried() -> None:
    rows, types = collect_row_types(*flat([[0] * 300]), np.array([True]))
    assert (rows.tolist(), types.tolist()) == ([0], [0])
