"""Tests of the registered family → the state of each hypothesis, with the sentences that say so."""

from collections.abc import Sequence
from typing import cast

from m2m.planning.seed_noise import ALPHA
from m2m.schemas.study_rows import FamilyRow, HypothesisRow, HypothesisState
from m2m.study.analysis.hypotheses import Hypothesis, Registration
from m2m.study.cells.labels import format_difference, format_interval, format_p, select_rows, start_sentence
from m2m.study.cells.outcomes import get_unit


def judge_hypotheses(family: Sequence[FamilyRow], registration: Registration, outcome: str) -> list[HypothesisRow]:
    """A row a hypothesis, in their order; `family` as from `compute_family`."""
    return [
        _judge(name, hypothesis, select_rows(family, {"hypothesis": name}), registration, outcome)
        for name, hypothesis in registration.hypotheses.items()
    ]


def decide_state(hypothesis: Hypothesis, rows: Sequence[FamilyRow]) -> HypothesisState:
    """Confirmed or contradicted by Holm's p; that none is above needs all its tests, and intervals below the margin."""
    tested = [row for row in rows if "p_holm" in row]
    if not tested:
        return "not tested"
    if hypothesis.test == "none-above":
        if any(_is_above(row) for row in tested):
            return "contradicted"
        is_bounded = len(tested) == len(rows) and _find_end(tested) < (hypothesis.margin or 0.0)
        return "confirmed" if is_bounded else "undecided"
    [row] = tested
    if row["p_holm"] >= ALPHA:
        return "undecided"
    return "confirmed" if (row["value"] > 0) == (hypothesis.sign == "positive") else "contradicted"


def _judge(
    name: str, hypothesis: Hypothesis, rows: Sequence[FamilyRow], registration: Registration, outcome: str
) -> HypothesisRow:
    state, tested = decide_state(hypothesis, rows), [row for row in rows if "p_holm" in row]
    decisive = _pick_row(tested) if tested else rows[0]
    is_effect = state in ("confirmed", "contradicted") and not (
        hypothesis.test == "none-above" and state == "confirmed"
    )
    doubt = _doubt_prompts(decisive) if is_effect and registration.other_prompts == "needed" else ""
    sentences = [
        f"{name} ({hypothesis.claim}) is {state}{'.' if hypothesis.test == 'none-above' or not tested else ':'}",
        _describe_test(hypothesis, decisive, len(tested), outcome),
        *(_describe_bound(hypothesis, tested, len(rows)) if state == "undecided" else []),
        doubt,
    ]
    numbers = {key: value for key, value in decisive.items() if key not in ("hypothesis", "reason")}
    return cast(
        HypothesisRow,
        {
            **(numbers if tested else {}),
            "name": name,
            "claim": hypothesis.claim,
            "state": state,
            "headline": state in ("confirmed", "contradicted") and not doubt,
            "tests": len(rows),
            "compared": len(tested),
            "words": " ".join(filter(None, sentences)),
        },
    )


def _pick_row(tested: Sequence[FamilyRow]) -> FamilyRow:
    """The largest gain; of those that are significantly above, one that holds on other prompts comes first."""
    return max(tested, key=lambda row: (_is_above(row), _is_above(row) and not _doubt_prompts(row), row["value"]))


def _is_above(row: FamilyRow) -> bool:
    return row["p_holm"] < ALPHA and row["value"] > 0


def _find_end(tested: Sequence[FamilyRow]) -> float:
    """The highest end of the intervals, which hold for all together."""
    return max(row["all_high"] for row in tested)


def _describe_test(hypothesis: Hypothesis, row: FamilyRow, tested: int, outcome: str) -> str:
    if not tested:
        return f"{start_sentence(row['reason'])}."
    gain = f"{format_difference(row['value'])} {get_unit(outcome)}, 95 % CI"
    if hypothesis.test == "none-above":
        interval = format_interval(row, "all_low", "all_high")
        return f"Best of {tested}: {row['test']}, {gain} {interval}, Holm p {format_p(row['p_holm'])}."
    return f"{gain} {format_interval(row)}, Holm p {format_p(row['p_holm'])}."


def _describe_bound(hypothesis: Hypothesis, tested: Sequence[FamilyRow], tests: int) -> list[str]:
    """Why it is open whether none is above; nothing for other hypotheses."""
    if hypothesis.test != "none-above" or hypothesis.margin is None:
        return []
    missing = [f"Only {len(tested)} of {tests} configurations were compared."] if len(tested) < tests else []
    end, margin = _find_end(tested), hypothesis.margin
    wide = f"The highest interval ends at {format_difference(end)}, the margin is {format_difference(margin)}."
    return [*missing, *([wide] if end >= margin else [])]


def _doubt_prompts(row: FamilyRow) -> str:
    """Why an effect is no headline where it must hold on other prompts; empty where it does."""
    if "prompts_only_low" not in row:
        return f"It is no headline: {row.get('prompts_reason', 'there is no interval over prompts')}."
    if row["prompts_only_low"] > 0 or row["prompts_only_high"] < 0:
        return ""
    ends = format_interval(row, "prompts_only_low", "prompts_only_high")
    return f"It is no headline: on other prompts the 95 % CI is {ends}."
