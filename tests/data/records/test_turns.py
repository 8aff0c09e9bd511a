"""Turns: the usual notations of a dialogue give the same turns; what is no text is named."""

import json
from typing import Any

import pytest

from m2m.data.records.turns import Turn, is_label_off, join_parts, parse_turns

TURNS = [Turn("user", "Ask?"), Turn("assistant", "Answer.")]


@pytest.mark.parametrize(
    "value",
    [
        [{"role": "user", "content": "Ask?"}, {"role": "assistant", "content": "Answer."}],
        [{"from": "human", "value": "Ask?"}, {"from": "gpt", "value": "Answer."}],
        [{"role": "USER ", "content": "Ask?"}, {"role": "Assistant", "content": "Answer."}],
        [{"role": "prompter", "text": "Ask?"}, {"role": "assistant", "text": "Answer."}],
        [{"role": "user", "parts": [{"text": "Ask?"}]}, {"role": "model", "parts": [{"text": "Answer."}]}],
        [{"role": "human", "content": "Ask?"}, {"role": "ai", "content": "Answer."}],
        [{"role": None, "from": "human", "value": "Ask?"}, {"role": None, "from": "bot", "value": "Answer."}],
        [{"input": "Ask?", "output": "Answer."}],
        [["Ask?", "Answer."]],
        ["Ask?", "Answer."],
        json.dumps([{"role": "user", "content": "Ask?"}, {"role": "assistant", "content": "Answer."}]),
        ({"role": "user", "content": "Ask?"}, {"role": "assistant", "content": "Answer."}),
    ],
)
def test_usual_notations_give_the_same_turns(value: Any) -> None:
    assert parse_turns(value) == TURNS


def test_a_system_text_inside_a_turn_comes_first() -> None:
    turns = parse_turns([{"system": "Be kind.", "input": "Ask?", "output": "Answer."}])
    assert turns == [Turn("system", "Be kind."), *TURNS]


@pytest.mark.parametrize(
    ("value", "kind"), [("Hello", "str"), (["Hello"], "list"), (None, "NoneType"), ([1], "list"), (b"ab", "bytes")]
)
def test_what_is_no_dialogue_is_named(value: Any, kind: str) -> None:
    assert parse_turns(value) == f"its turns are no list of messages but {kind}"


@pytest.mark.parametrize(
    "value",
    [
        [{"role": "user", "content": 'It\'s "odd"?'}, {"role": "assistant", "content": None}],
        [["Ask?", "Answer."]],
        ("Ask?", "Answer."),
    ],
)
def test_a_list_as_python_writes_it_is_called_that_and_has_its_remedy(value: Any) -> None:
    assert parse_turns(f" {value}") == (
        "its turns are text that is no JSON but a list as Python writes it: write it with json.dumps"
    )


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "thinking"])
def test_an_answer_with_reasoning_in_a_field_of_its_own_is_marked(field: str) -> None:
    answers: list[dict[str, Any]] = [{"role": "ai", "content": "Answer."}, {"input": "Ask?", "output": "Answer."}]
    for answer in answers:
        for text, is_marked in (("Hm.", True), (" ", False), (None, False), (True, False)):
            turns = parse_turns([answer | {field: text}])
            assert isinstance(turns, list)
            assert (turns[-1].content, turns[-1].has_reasoning) == ("Answer.", is_marked)


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        [{"type": "text", "value": "a"}, {"type": "text", "value": "b"}],
        [{"type": "input_text", "text": "a"}, {"type": "output_text", "text": "b"}],
        [{"type": None, "text": "a"}, {"text": "b", "image_url": None}],
        ["a", "b"],
    ],
)
def test_parts_of_text_are_one_text(content: Any) -> None:
    assert join_parts(content) == ("a\nb", None)


@pytest.mark.parametrize(
    ("piece", "kind"),
    [
        ({"type": "image_url", "text": None, "image_url": {"url": "x"}}, "image_url"),
        ({"type": "input_audio", "data": "x"}, "input_audio"),
        ({"type": "reasoning", "text": "First I think."}, "reasoning"),
        ({"type": "thinking", "thinking": "Hm."}, "thinking"),
    ],
)
def test_a_part_that_is_no_text_is_named_and_reasoning_is_not_glued_to_the_answer(piece: Any, kind: str) -> None:
    assert join_parts([{"type": "text", "text": "a"}, piece])[1] == f"a part of type {kind!r}"


@pytest.mark.parametrize("content", ["a", None, [], {"text": "a"}, 3])
def test_content_that_is_no_list_stays(content: Any) -> None:
    assert join_parts(content) == (content, None)


@pytest.mark.parametrize("record", [{"weight": "many"}, {"weight": 0.5}, {"train": "yes"}, {}, {"loss": 0.0}])
def test_what_is_no_label_is_none(record: dict[str, Any]) -> None:
    assert not is_label_off(record)
