"""One token with its log-probabilities is a liking; likings are a leaderboard row."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.judging.protocols.alpaca_eval import compute_leaderboard_row, is_candidate_first, read_second_preference

LOGS = st.floats(-60, 0)


def raw(tops: Any, text: str = "") -> str:
    content = [{"token": "x", "logprob": -0.1, "top_logprobs": tops}]
    return json.dumps({"message": {"content": text}, "logprobs": {"content": content}})


def top(**logs: float) -> list[dict[str, Any]]:
    return [{"token": token, "logprob": log} for token, log in logs.items()]


@given(LOGS, LOGS)
def test_swapping_the_two_tokens_turns_the_liking_round(one: float, other: float) -> None:
    forth, back = read_second_preference(raw(top(m=one, M=other))), read_second_preference(raw(top(m=other, M=one)))
    assert forth is not None and back is not None
    assert math.isclose(forth + back, 1)


def test_the_liking_is_the_share_of_the_two_tokens_alone() -> None:
    reply = raw([*top(m=math.log(0.1), M=math.log(0.3)), {"token": "The", "logprob": math.log(0.6)}])
    assert read_second_preference(reply) == pytest.approx(0.75)


def test_what_the_judge_wrote_does_not_count_where_the_log_probabilities_say_otherwise() -> None:
    assert read_second_preference(raw(top(m=-0.01, M=-6.0), text="M M M [[B>>A]]")) < 0.01


@pytest.mark.parametrize(
    "reply",
    [
        None,
        "",
        "null",
        "[]",
        "M",
        raw(None),
        raw([]),
        raw([{"token": "M"}]),
        raw([{"token": "M", "logprob": "-1"}]),
        raw([{"token": "M", "logprob": True}]),
        raw([{"token": "M", "logprob": None}]),
        raw([{"token": "M", "logprob": float("nan")}]),
        raw([{"token": "M", "logprob": float("inf")}]),
        raw([{"token": "M", "logprob": 1e6}]),
        raw(top(m=-float("inf"), M=-float("inf"))),
        raw([{"token": ["M"], "logprob": -1}]),
        raw(top(**{" M": -0.1, "MM": -3.0, "B": -4.0})),
        '{"logprobs": {"content": []}}',
        "[" * 100_000,
    ],
)
def test_a_reply_without_either_token_is_no_verdict_and_never_a_tie(reply: str | None) -> None:
    assert read_second_preference(reply) is None


def test_the_order_is_a_fair_coin_and_always_the_same() -> None:
    first = [is_candidate_first(f"Question {at}?") for at in range(400)]
    assert first == [is_candidate_first(f"Question {at}?") for at in range(400)]
    assert 160 < sum(first) < 240


@pytest.mark.parametrize(
    ("instruction", "first"),
    [
        ("How did US states get their names?", True),
        ("How do I wrap a present neatly?", False),
        ("Who is Larry Page?", False),
    ],
)
def test_the_order_is_the_one_that_made_recorded_verdicts(instruction: str, first: bool) -> None:
    assert is_candidate_first(instruction) is first


def test_a_leaderboard_row_of_known_likings() -> None:
    row = compute_leaderboard_row(np.array([1.0, 0.0, 0.5, 0.9]))
    assert row.win_rate == pytest.approx(0.6)
    assert row.standard_error == pytest.approx(np.std([1, 0, 0.5, 0.9], ddof=1) / 2)
    assert (row.discrete_win_rate, row.ties, row.prompts) == (2.5 / 4, 1, 4)


def test_one_prompt_has_no_standard_error() -> None:
    with pytest.raises(ValueError, match="at least 2 prompts with a verdict, got 1"):
        compute_leaderboard_row(np.array([0.3]))
