"""Rows with numbers or with a reason."""

import pytest

from m2m.study.cells.rows import add_holm, compute_or_explain, round_digits


def broken(what: str) -> dict[str, str]:
    raise ValueError(f"{what} must be at least 2")


def test_an_impossible_computation_leaves_its_reason() -> None:
    assert compute_or_explain(dict) == {}
    assert compute_or_explain(broken, "cells") == {"reason": "cells must be at least 2"}


def test_any_other_error_is_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        compute_or_explain(lambda: {"value": 1 / 0})


def test_holm_looks_at_each_family_alone_and_skips_rows_without_p() -> None:
    rows = [{"size": 1, "p": 0.01}, {"size": 1, "reason": "too few"}, {"size": 2, "p": 0.04}, {"size": 1, "p": 0.5}]
    found = add_holm(rows, "size")
    assert [row.get("p_holm") for row in found] == pytest.approx([0.02, None, 0.04, 0.5])


def test_numbers_are_cut_to_six_digits_and_infinities_are_null() -> None:
    record = {"a": [1.23456789e-9, float("inf"), -float("inf"), float("nan")], "b": {"c": 7, "d": "x", "e": True}}
    assert round_digits(record) == {"a": [1.23457e-9, None, None, None], "b": {"c": 7, "d": "x", "e": True}}
