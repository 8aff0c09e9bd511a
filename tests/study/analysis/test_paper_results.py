"""Our slopes beside the paper's: signs, sure ones, and order."""

from typing import cast

import pytest

from m2m.schemas.study_numbers import Place
from m2m.schemas.study_rows import SlopeRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.paper_results import SLOPES, compare_slopes, compare_with_paper
from tests.study.study_rows import PLACE, slope


def of(*values: float) -> dict[str, float]:
    return dict(zip(UNIT_STRATEGIES, values, strict=False))


def test_the_papers_own_slopes_agree_with_the_paper() -> None:
    row = compare_slopes(of(*SLOPES["20K"]), UNIT_STRATEGIES)[1]
    assert row == {
        "paper": "20K",
        "strategies": 6,
        "same_sign": 6,
        "sure_of_sign": 6,
        "same_sign_of_sure": 6,
        "tau": pytest.approx(1),
        "tau_p": pytest.approx(2 / 720),
    }


def test_unsure_signs_are_not_counted_as_sure() -> None:
    row = compare_slopes(of(*(-value for value in SLOPES["10K"])), [])[0]
    assert (row["same_sign"], row["sure_of_sign"], row["same_sign_of_sure"]) == (0, 0, 0)
    assert row["tau"] == pytest.approx(-1)


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, 2.0), (1.0, 1.0, 1.0)])
def test_few_or_equal_slopes_have_no_order(values: tuple[float, ...]) -> None:
    assert all(row["tau"] is None and row["strategies"] == len(values) for row in compare_slopes(of(*values), []))


def test_the_sign_of_a_slope_is_sure_where_it_is_significant_after_holm() -> None:
    rows = [slope(name, 1.0, p_holm) for name, p_holm in (("response-micro", 0.049), ("response-macro", 0.05))]
    reason = cast(SlopeRow, PLACE | {"strategy": "response-meso", "cells": 1, "reason": "too few"})
    table = compare_with_paper(cast(Place, PLACE), [*rows, reason])
    assert [(row["paper"], row["strategies"], row["sure_of_sign"], row["same_sign_of_sure"]) for row in table] == [
        ("10K", 2, 1, 1),
        ("20K", 2, 1, 1),
        ("30K", 2, 1, 1),
    ]
    assert compare_with_paper(cast(Place, PLACE), [reason]) == []


def test_a_sure_sign_that_differs_from_the_papers_is_no_agreement() -> None:
    rows = [slope("response-micro", -1.0, 0.01), slope("instruction-micro", -1.0, 0.2)]
    row, *_ = compare_with_paper(cast(Place, PLACE), rows)
    assert (row["same_sign"], row["sure_of_sign"], row["same_sign_of_sure"]) == (1, 1, 0)
