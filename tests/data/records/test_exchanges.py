"""Exchanges: labels are obeyed, tool calls are named, what precedes an answer is kept, what is left out is counted."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.records.exchanges import Exchanges, Pair, choose_exchanges
from m2m.data.records.record_formats import DETECTED, read_exchanges
from m2m.data.records.turns import Turn

CALL = "holds a tool call, which no plain prompt carries"
UNTRAINED = "its answer is not to be trained on (weight, loss_weight, train or loss)"


def user(text: Any) -> dict[str, Any]:
    return {"role": "user", "content": text}


def answer(text: Any, **labels: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **labels}


def dialogue(count: int, **labels: Any) -> list[dict[str, Any]]:
    return [turn for n in range(count) for turn in (user(f"q{n}"), answer(f"a{n}", **labels))]


def read(turns: list[dict[str, Any]], choice: str = "first", **columns: Any) -> Exchanges:
    return read_exchanges({"messages": turns, **columns}, DETECTED, choice)  # type: ignore[arg-type]


def test_first_last_and_each_of_three_exchanges() -> None:
    later = "User: q0\n\nAssistant: a0\n\nUser: q1"
    last = Pair("User: q0\n\nAssistant: a0\n\nUser: q1\n\nAssistant: a1\n\nUser: q2", "a2", has_context=True)
    assert read(dialogue(3)) == Exchanges([Pair("q0", "a0")], 2)
    assert read(dialogue(3), "last") == Exchanges([last], 2)
    assert read(dialogue(3), "each") == Exchanges([Pair("q0", "a0"), Pair(later, "a1", has_context=True), last], 0)


def test_a_system_turn_stands_before_every_exchange_and_a_greeting_is_none() -> None:
    turns = [{"role": "system", "content": "Be kind."}, answer("Hello."), *dialogue(2)]
    assert read(turns, "each").pairs == [
        Pair("Be kind.\n\nq0", "a0", has_context=True),
        Pair("Be kind.\n\nUser: q0\n\nAssistant: a0\n\nUser: q1", "a1", has_context=True),
    ]


@pytest.mark.parametrize("choice", ["first", "last"])
@pytest.mark.parametrize(
    "label",
    [
        {"weight": 0},
        {"weight": 0.0},
        {"weight": "0"},
        {"loss_weight": 0.0},
        {"train": False},
        {"train": "false"},
        {"loss": False},
        {"trainable": False},
    ],
)
def test_an_answer_that_is_not_to_be_trained_on_is_no_response(label: dict[str, Any], choice: str) -> None:
    bad_first = [user("q0"), answer("bad", **label), user("q1"), answer("good", weight=1, train=True)]
    second = Pair("User: q0\n\nAssistant: bad\n\nUser: q1", "good", has_context=True)
    assert read(bad_first, choice) == Exchanges([second], 1)
    bad_last = [user("q0"), answer("good", loss_weight=1.0), user("q1"), answer("bad", **label)]
    assert read(bad_last, choice) == Exchanges([Pair("q0", "good")], 1)
    assert read(bad_last, "each").pairs[1].reason == UNTRAINED
    assert read(dialogue(2, **label), choice) == Exchanges([Pair("q0", None, UNTRAINED)], 1)


@pytest.mark.parametrize("label", [{"weight": 1}, {"weight": None}, {"train": True}, {"loss": 0.7}, {"loss": True}])
def test_other_labels_leave_an_answer_as_it_is(label: dict[str, Any]) -> None:
    assert read(dialogue(1, **label)) == Exchanges([Pair("q0", "a0")], 0)


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": "q", "completion": "a", "label": False},
        {"instruction": "q", "output": "a", "weight": 0},
        {"messages": dialogue(1), "train": False},
    ],
)
def test_a_label_of_the_whole_row_is_obeyed(record: dict[str, Any]) -> None:
    (pair,) = read_exchanges(record, DETECTED, "first").pairs
    assert pair.reason == "is labelled as no answer to train on (label, weight or train)"


@pytest.mark.parametrize(
    "turns",
    [
        [user("q"), answer(None, tool_calls=[{"id": "1"}]), {"role": "tool", "content": "{}"}, answer("a")],
        [user("q"), answer("", tool_calls=[{"id": "1"}]), {"role": "tool", "content": "{}"}, answer("a")],
        [user("q"), answer("Let me look.", function_call={"name": "f"}), {"role": "function", "content": "{}"}],
        [user("q"), {"from": "function_call", "value": "{}"}, {"from": "observation", "value": "{}"}, answer("a")],
        [user("q"), answer([{"type": "text", "text": "Wait."}, {"type": "tool_use", "name": "f"}])],
        [user("q"), answer('<tool_call>{"name": "f"}</tool_call>')],
        [user("q"), answer("Let me look."), {"role": "ipython", "content": "1"}, answer("a")],
    ],
)
def test_a_tool_call_is_named_and_its_preamble_is_no_response(turns: list[dict[str, Any]]) -> None:
    assert read(turns) == Exchanges([Pair("q", None, CALL)], 0)
    later = read([*turns, user("q1"), answer("a1")], "last")
    assert later == Exchanges([Pair("q1", None, f"what precedes it {CALL}")], 1)


ROLE = "holds a turn of the unknown role {}: write user, assistant, system or tool"


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        ({"role": "Narrator", "content": "Once."}, ROLE.format("'narrator'")),
        ({"role": "x" * 99, "content": "Once."}, ROLE.format(repr("x" * 40))),
        ({"role": "\ud800", "content": "Once."}, ROLE.format("'\\ud800'")),
        ({"content": "Once."}, "holds a turn without a role: write user, assistant, system or tool"),
    ],
)
def test_an_unknown_role_is_named_and_is_no_tool_call(turn: dict[str, Any], reason: str) -> None:
    assert read([user("q"), turn, answer("a")]).pairs == [Pair("q", None, reason)]
    assert read([user("q"), answer("a"), turn]).pairs == [Pair("q", None, reason)]
    later = read([user("q"), turn, user("q1"), answer("a1")], "last").pairs
    assert later == [Pair("q1", None, f"what precedes it {reason}")]
    assert read([turn, answer("a")]).pairs[0].reason == f"has no user turn, and {reason}"


def test_answers_without_their_reasoning_are_counted_where_they_can_be_used() -> None:
    reasoned = dialogue(2, reasoning_content="Hm.")
    assert read(reasoned) == Exchanges([Pair("q0", "a0")], 1, 1)
    assert read(reasoned, "each").without_reasoning == 2
    assert read([*dialogue(1), *reasoned]).without_reasoning == 0
    assert read(reasoned, weight=0).without_reasoning == 0
    assert read([user("q"), answer(None, reasoning_content="Hm.")]) == Exchanges([Pair("q", None, "no response")])


def test_an_exchange_before_a_tool_call_stays_usable() -> None:
    turns = [*dialogue(1), user("q1"), answer(None, tool_calls=[{"id": "1"}])]
    assert read(turns) == Exchanges([Pair("q0", "a0")], 1)


def test_a_second_answer_to_one_question_is_counted() -> None:
    assert read([user("q"), answer("a"), answer("b")]) == Exchanges([Pair("q", "a")], 1)
    assert read([user("q"), answer("a"), answer("b")], "each") == Exchanges([Pair("q", "a")], 1)


def test_a_question_without_an_answer_says_so() -> None:
    reasons = [pair.reason for pair in read([user("q0"), answer("a0"), user("q1")], "each").pairs]
    assert reasons == [None, "has no assistant turn after a user turn"]


texts = st.sampled_from(["x", "", None, 3])
turns = st.lists(
    st.builds(
        Turn,
        st.sampled_from(["user", "assistant", "system", "tool"]),
        texts,
        is_trained=st.booleans(),
        is_call=st.booleans(),
    ),
    max_size=8,
)


@settings(deadline=None)
@given(turns, st.sampled_from(["first", "last", "each"]))
def test_every_user_turn_is_a_pair_or_counted(dialogue: list[Turn], choice: str) -> None:
    found = choose_exchanges([], dialogue, choice)  # type: ignore[arg-type]
    questions = sum(turn.role == "user" for turn in dialogue)
    assert len(found.pairs) + found.left_out >= max(questions, 1)
    assert len(found.pairs) == (max(questions, 1) if choice == "each" else 1)
    for pair in found.pairs:
        assert (pair.reason is None) == (pair.instruction is not None and pair.response is not None)
