"""A registered hypothesis in words: its state, number, interval and p; and what makes it no headline."""

from typing import Any, cast

import pytest

from m2m.schemas.study_rows import FamilyRow, HypothesisRow
from m2m.study.analysis.hypotheses import Hypothesis, Registration
from m2m.study.analysis.hypothesis_states import judge_hypotheses

RISE = Hypothesis("Performance rises", "slope", ("response-micro",), degrees=(0, 6))
NONE = Hypothesis("Nothing is above random", "none-above", ("response-micro",), degrees=(0, 6), margin=0.01)
PROMPTS: dict[str, Any] = {"prompts_only_low": 0.001, "prompts_only_high": 0.02}


def family_row(value: float, p_holm: float, **changes: Any) -> FamilyRow:
    ends = {"low": value - 0.004, "high": value + 0.004, "all_low": value - 0.006, "all_high": value + 0.006}
    row = {"hypothesis": "H", "test": "slope", "value": value, **ends, "p": p_holm / 2, "p_holm": p_holm}
    return cast(FamilyRow, row | PROMPTS | changes)


def judge(hypothesis: Hypothesis, *rows: FamilyRow, other_prompts: Any = "shown") -> HypothesisRow:
    [row] = judge_hypotheses(rows, Registration({"H": hypothesis}, 0, other_prompts), "bpb_reduction")
    return row


@pytest.mark.parametrize(
    ("value", "p_holm", "sign", "state"),
    [
        (0.01, 0.02, "positive", "confirmed"),
        (-0.01, 0.02, "positive", "contradicted"),
        (-0.01, 0.02, "negative", "confirmed"),
        (0.01, 0.02, "negative", "contradicted"),
        (0.01, 0.06, "positive", "undecided"),
    ],
)
def test_a_significant_sign_decides(value: float, p_holm: float, sign: Any, state: str) -> None:
    row = judge(Hypothesis("Performance rises", "slope", ("response-micro",), degrees=(0, 6), sign=sign),
                family_row(value, p_holm))  # fmt: skip
    words = "+0.010 bpb, 95 % CI 0.006 to 0.014" if value > 0 else "−0.010 bpb, 95 % CI −0.014 to −0.006"
    assert row["words"] == f"H (Performance rises) is {state}: {words}, Holm p {p_holm}."
    assert (row["state"], row["headline"], row["tests"], row["compared"]) == (state, state != "undecided", 1, 1)


def test_what_has_not_run_says_why_and_has_no_numbers() -> None:
    reason = "random has fewer than 2 seeds"
    row = judge(RISE, cast(FamilyRow, {"hypothesis": "H", "test": "slope", "reason": reason}))
    assert row["words"] == "H (Performance rises) is not tested. Random has fewer than 2 seeds."
    assert not row["headline"] and "value" not in row and (row["tests"], row["compared"]) == (1, 0)


def test_an_effect_that_may_be_0_on_other_prompts_is_no_headline_where_that_was_registered() -> None:
    wide = family_row(0.01, 0.02, prompts_only_low=-0.002)
    assert judge(RISE, wide)["headline"] and judge(RISE, wide)["words"].endswith("Holm p 0.02.")
    row = judge(RISE, wide, other_prompts="needed")
    assert row["state"] == "confirmed" and not row["headline"]
    assert row["words"].endswith("It is no headline: on other prompts the 95 % CI is −0.002 to 0.020.")
    assert judge(RISE, family_row(0.01, 0.02), other_prompts="needed")["headline"]
    below = family_row(-0.01, 0.02, prompts_only_low=-0.02, prompts_only_high=-0.001)
    assert judge(RISE, below, other_prompts="needed")["headline"]
    without = family_row(0.01, 0.02)
    del without["prompts_only_low"]
    without["prompts_reason"] = "no interval over prompts"
    assert judge(RISE, without, other_prompts="needed")["words"].endswith(
        "It is no headline: no interval over prompts."
    )
    undecided = judge(RISE, family_row(0.01, 0.06, prompts_only_low=-1.0), other_prompts="needed")
    assert "headline" not in undecided["words"]


def test_that_none_is_above_needs_all_intervals_below_the_margin() -> None:
    first, second = family_row(-0.02, 0.001, test="a"), family_row(0.003, 0.3, test="b")
    row = judge(NONE, first, second, other_prompts="needed")
    assert row["words"] == (
        "H (Nothing is above random) is confirmed. Best of 2: b, +0.003 bpb, 95 % CI −0.003 to 0.009, Holm p 0.3."
    )
    assert row["headline"] and row["test"] == "b"
    row = judge(NONE, family_row(0.004, 0.3, test="a"), family_row(0.002, 0.3, test="b", all_high=0.012))
    assert row["state"] == "undecided"
    assert row["words"].endswith("The highest interval ends at +0.012, the margin is +0.010.")
    missing = cast(FamilyRow, {"hypothesis": "H", "test": "b", "reason": "b has fewer than 2 seeds"})
    row = judge(NONE, first, missing)
    assert row["state"] == "undecided" and row["words"].endswith("Only 1 of 2 configurations were compared.")


def test_one_configuration_above_random_contradicts_and_the_one_that_holds_elsewhere_is_named() -> None:
    here = family_row(0.02, 0.01, test="here", prompts_only_low=-0.01)
    elsewhere = family_row(0.01, 0.01, test="elsewhere")
    row = judge(NONE, here, elsewhere, other_prompts="needed")
    assert row["state"] == "contradicted" and row["test"] == "elsewhere" and row["headline"]
    row = judge(NONE, here, family_row(0.03, 0.06, test="larger"), other_prompts="needed")
    assert row["state"] == "contradicted" and row["test"] == "here" and not row["headline"]
