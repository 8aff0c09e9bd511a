import json
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.judging.protocols.offline_judges import (
    collect_baselines,
    judge_by_likelihood,
    judge_by_similarity,
    match_answers,
    read_preference,
)

PROMPTS = pl.DataFrame(
    {
        "id": ["a", "b", "c"],
        "benchmark": ["x", "x", "y"],
        "instruction": ["?", "?", "?"],
        "reference": ["north", "east", None],
        "baseline": ["gpt", None, "gpt"],
        "baseline_answer": ["east", None, "west"],
    }
)


def answers(said: Any, bits: Any) -> pl.DataFrame:
    size = [4 if cost is not None else None for cost in bits]
    return pl.DataFrame({"id": ["a", "b", "c"], "answer": said, "bits": bits, "bytes": size}, strict=False)


OURS = answers(["north", "east", "west"], [2.0, 8.0, None])
THEIRS = answers(["east", "east", "north"], [4.0, 4.0, None])
VECTORS = {
    "north": np.array([0, 1], np.float32),
    "east": np.array([1, 0], np.float32),
    "west": np.array([-1, 0], np.float32),
}


def test_the_lower_cost_of_the_reference_wins() -> None:
    judged = judge_by_likelihood(match_answers(PROMPTS, OURS, THEIRS, "opponent"))
    assert [read_preference(raw) for raw in judged["raw"]] == [1.0, 0.0]
    assert judged["id"].to_list() == ["a", "b"]  # c has no reference


def test_the_answer_nearer_to_the_reference_wins_and_equal_ones_tie() -> None:
    judged = judge_by_similarity(match_answers(PROMPTS, OURS, THEIRS, "opponent"), VECTORS)
    assert [read_preference(raw) for raw in judged["raw"]] == [1.0, 0.5]


def test_a_baseline_that_is_only_text_has_no_likelihood() -> None:
    rows = match_answers(PROMPTS, OURS, collect_baselines(PROMPTS)["gpt"], "gpt")
    assert judge_by_likelihood(rows).is_empty()
    assert judge_by_similarity(rows, VECTORS).select("id", "opponent").rows() == [("a", "gpt")]


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def raw(candidate: Any, opponent: Any, better: Any = "higher") -> str:
    return json.dumps({"candidate": candidate, "opponent": opponent, "better": better})


@given(NUMBERS, NUMBERS, st.sampled_from(["lower", "higher"]))
def test_swapping_the_two_answers_turns_the_preference_round(ours: float, theirs: float, better: str) -> None:
    forth, back = read_preference(raw(ours, theirs, better)), read_preference(raw(theirs, ours, better))
    assert forth is not None and back is not None
    assert forth + back == 1


@settings(max_examples=50)
@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_no_text_that_is_no_verdict_is_one_or_raises(text: str) -> None:
    assert read_preference(text) is None


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "null",
        "[]",
        "{}",
        raw(1, 2, "larger"),
        raw(1, 2, ["higher"]),
        raw("1", 2),
        raw(True, 2),
        raw(None, 2),
        raw(float("nan"), 2),
        raw(float("inf"), 2),
        raw(10**400, 2),
        '{"candidate": 1, "opponent": 2}',
        raw(1, 2)[:-1],
        raw(1, 2) + " because it is better",
        "[" * 100_000,
        '{"candidate": ' + "9" * 5000 + ', "opponent": 1, "better": "higher"}',
    ],
)
def test_a_malformed_verdict_is_missing_and_never_a_tie(text: str | None) -> None:
    assert read_preference(text) is None
