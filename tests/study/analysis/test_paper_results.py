"""Beside the paper."""

import pytest

from m2m.study.analysis.paper_results import SLOPES, compare_slopes, compare_with_paper
from m2m.study.cells.cells import STRATEGIES


def of(*values: float) -> dict[str, float]:
    return dict(zip(STRATEGIES, values, strict=False))


def test_the_papers_own_slopes_agree_with_the_paper() -> None:
    row = compare_slopes(of(*SLOPES["20K"]), STRATEGIES)[1]
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
    assert (row["same_sign"], row["sure_of_sign"], row["same_sign_of_sure"], row["tau"]) == (0, 0, 0, pytest.approx(-1))


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, 2.0), (1.0, 1.0, 1.0)])
def test_few_or_equal_slopes_have_no_order(values: tuple[float, ...]) -> None:
    assert all(row["tau"] is None and row["strategies"] == len(values) for row in compare_slopes(of(*values), []))


def test_rows_with_a_reason_are_left_out() -> None:
    where = {"outcome": "bpb_reduction", "condition": "rows", "size": 500}
    rows = [where | {"strategy": "response-micro", "reason": "too few"}]
    assert compare_with_paper(rows) == []
    told = where | {"strategy": "response-micro", "value": 1.0, "p_holm": 0.01}
    assert [row["strategies"] for row in compare_with_paper([*rows, told])] == [1, 1, 1]


def test_a_sign_that_is_sure_by_itself_but_not_among_all_slopes_is_not_sure() -> None:
    row = {"outcome": "bpb_reduction", "condition": "rows", "size": 500, "strategy": "response-micro", "value": 1.0}
    for p_holm, sure in ((0.054, 0), (0.046, 1)):
        found = compare_with_paper([row | {"low": 0.03, "high": 0.3, "p": 0.027, "p_holm": p_holm}])
        assert [(one["sure_of_sign"], one["same_sign_of_sure"]) for one in found] == [(sure, sure)] * 3
