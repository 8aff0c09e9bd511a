"""Rows with numbers or with a reason."""

from typing import Any, cast

import pytest

from m2m.schemas.study_numbers import EstimateNumbers, Reason
from m2m.schemas.study_rows import AgainstRandomRow
from m2m.study.cells.rows import add_holm, compute_or_explain, round_digits


def fail(name: str) -> Reason:
    raise ValueError(f"{name} must be at least 2")


def test_an_impossible_computation_leaves_its_reason() -> None:
    assert compute_or_explain(Reason) == {}
    assert compute_or_explain(fail, "cells") == {"reason": "cells must be at least 2"}


def test_any_other_error_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        compute_or_explain(lambda: EstimateNumbers(value=1 / 0))


def test_holm_looks_at_each_family_alone_and_skips_rows_without_p() -> None:
    numbers: list[dict[str, Any]] = [
        {"size": 1, "p": 0.01},
        {"size": 1, "reason": "too few"},
        {"size": 2, "p": 0.04},
        {"size": 1, "p": 0.5},
    ]
    rows = [cast(AgainstRandomRow, row | {"q": row.get("p", 0) / 2}) for row in numbers]
    adjusted = add_holm(rows, "size")
    assert [row.get("p_holm") for row in adjusted] == pytest.approx([0.02, None, 0.04, 0.5])
    assert all("p_holm" not in row for row in rows)
    assert [row.get("q_holm") for row in add_holm(rows, p="q")] == pytest.approx([0.015, 0, 0.04, 0.25])


def test_numbers_are_cut_to_six_digits_and_infinities_are_null() -> None:
    record = {"a": [1.23456789e-9, float("inf"), -float("inf"), float("nan")], "b": {"c": 7, "d": "x", "e": True}}
    assert round_digits(record) == {"a": [1.23457e-9, None, None, None], "b": {"c": 7, "d": "x", "e": True}}


def test_a_half_that_binary_puts_just_below_is_rounded_up_so_that_the_last_bit_of_a_sum_decides_nothing() -> None:
    assert round_digits({"p": 1.000025}) == {"p": 1.00003}
