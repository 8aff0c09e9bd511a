"""Verdicts to preferences, and wins by length."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.judging.protocols.winrate import preference, wins_by_length

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def raw(candidate: object, opponent: object, better: object = "higher") -> str:
    return json.dumps({"candidate": candidate, "opponent": opponent, "better": better})


@given(NUMBERS, NUMBERS, st.sampled_from(["lower", "higher"]))
def test_swapping_the_two_answers_turns_the_preference_round(ours: float, theirs: float, better: str) -> None:
    forth, back = preference(raw(ours, theirs, better)), preference(raw(theirs, ours, better))
    assert forth is not None and back is not None
    assert forth + back == 1


@settings(max_examples=50)
@given(st.text() | st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps))
def test_no_text_that_is_no_verdict_is_one_or_raises(text: str) -> None:
    assert preference(text) is None


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
    assert preference(text) is None


@pytest.mark.parametrize(
    ("lengths", "wins"),
    [
        ([1, 2, 3, 4, 5, 6], {"short": 0.5, "medium": 2.5, "long": 4.5}),
        ([6, 5, 4, 3, 2, 1], {"short": 4.5, "medium": 2.5, "long": 0.5}),
        ([9, 9, 9, 9, 9, 9], {"short": 2.5}),
        ([1, 1, 1, 1, 5, 5], {"short": 1.5, "long": 4.5}),
    ],
    ids=["rising", "falling", "all equal", "two lengths"],
)
def test_wins_are_split_at_the_terciles_of_length(lengths: list[int], wins: dict[str, float]) -> None:
    assert wins_by_length(np.arange(6.0), np.array(lengths)) == wins


def test_few_prompts_fill_the_shorter_thirds_first() -> None:
    assert wins_by_length(np.array([1.0]), np.array([7])) == {"short": 1.0}
    assert wins_by_length(np.array([1.0, 0.0]), np.array([7, 8])) == {"short": 1.0, "medium": 0.0}
    assert wins_by_length(np.array([]), np.array([])) == {}


@given(st.lists(st.integers(1, 10**6), min_size=3, max_size=90, unique=True))
def test_thirds_of_distinct_lengths_differ_by_at_most_one_prompt(lengths: list[int]) -> None:
    wins = wins_by_length(np.arange(len(lengths), dtype=float), np.sort(lengths))
    short, long = 2 * wins["short"] + 1, 2 * (len(lengths) - wins["long"]) - 1
    assert 0 <= short - long <= 1 and abs(len(lengths) - short - 2 * long) <= 1
