"""Coverage and evenness of toy counts."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.diversity.unit_coverage import count_covered_units, count_mid_types, count_units, unit_coverage, unit_evenness


@pytest.mark.parametrize(
    ("counts", "present", "coverage", "evenness"),
    [
        ([4, 4, 4, 4], 4, 1.0, 1.0),
        ([1, 0, 1, 0], 2, 0.5, 1.0),
        ([7, 0], 1, 0.5, 1.0),
        ([0, 0, 0], 0, 0.0, 0.0),
        ([3, 1], 2, 1.0, 0.8112781244591328),
    ],
    ids=["all equal", "half absent", "one unit", "none present", "three to one"],
)
def test_known_counts(counts: list[int], present: int, coverage: float, evenness: float) -> None:
    array = np.array(counts)
    assert count_covered_units(array) == present
    assert unit_coverage(array) == coverage
    assert unit_evenness(array) == pytest.approx(evenness, abs=1e-15)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_both_stay_between_zero_and_one_whatever_the_order(counts: list[int]) -> None:
    array, turned = np.array(counts), np.array(counts[::-1])
    assert 0 <= unit_coverage(array) == unit_coverage(turned) <= 1
    assert 0 <= unit_evenness(array) <= 1
    assert unit_evenness(array) == pytest.approx(unit_evenness(turned), abs=1e-12)


def test_equal_counts_are_even_and_no_more() -> None:
    """By rounding, the entropy of eleven equal counts is above that of eleven equal counts."""
    assert max(unit_evenness(np.full(units, 3)) for units in range(2, 200)) == 1


def test_a_strategy_without_units_has_no_coverage() -> None:
    with pytest.raises(ValueError, match="the strategy has none"):
        unit_coverage(np.array([], np.int64))


def test_units_that_no_chosen_row_carries_count_zero() -> None:
    units = pl.DataFrame({"id": ["a", "b", "c", "c"], "unit": ["u", "u", "v", "w"]})
    assert count_units(units, pl.Series(["a", "b"])).tolist() == [2, 0, 0]
    assert count_units(units, pl.Series(["c", "a"])).tolist() == [1, 1, 1]
    assert count_units(units, pl.Series(["nobody"])).tolist() == [0, 0, 0]


@pytest.mark.parametrize(("types", "count"), [(["a", "b", "c"], 2), (["c"], 0), ([], 0), (["b", "b", "strange"], 1)])
def test_mid_types_are_those_that_the_token_band_table_has_in_its_mid_band(types: list[str], count: int) -> None:
    bands = pl.DataFrame({"token": ["a", "b", "c", "d"], "band": ["mid", "mid", "high", "mid"]})
    assert count_mid_types(types, bands) == count
