"""Forms are told by looking at the record; what has no usable text says why."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.records.exchanges import Pair
from m2m.data.records.record_formats import read_pair

USER, ASSISTANT = {"role": "user", "content": "Ask?"}, {"role": "assistant", "content": "Answer."}
HUMAN, GPT = {"from": "human", "value": "Ask?"}, {"from": "gpt", "value": "Answer."}
SYSTEM = {"role": "system", "content": "Be kind."}
LATER = [{"role": "user", "content": "More?"}, {"role": "assistant", "content": "No."}]


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": "Ask?", "output": "Answer."},
        {"instruction": "Ask?", "input": "", "output": "Answer."},
        {"instruction": "Ask?", "input": None, "output": "Answer."},
        {"instruction": "Ask?", "response": "Answer."},
        {"prompt": "Ask?", "completion": "Answer."},
        {"prompt": "Ask?", "response": "Answer."},
        {"prompt": [USER], "completion": [ASSISTANT]},
        {"prompt": [USER], "completion": "Answer."},
        {"messages": [USER, ASSISTANT]},
        {"messages": [USER, ASSISTANT, *LATER]},
        {"messages": json.dumps([USER, ASSISTANT])},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Ask?"}]}, ASSISTANT]},
        {"conversations": [HUMAN, GPT]},
        {"conversations": [{"from": "gpt", "value": "Hello."}, HUMAN, GPT]},
        {"conversations": [USER, ASSISTANT], "prompt": "a label"},
    ],
)
def test_the_first_turn_is_found_in_every_form(record: dict[str, object]) -> None:
    assert read_pair(record) == Pair("Ask?", "Answer.")


@pytest.mark.parametrize(
    "record",
    [
        {"messages": [SYSTEM, USER, ASSISTANT]},
        {"prompt": [SYSTEM, USER], "completion": [ASSISTANT]},
        {"conversations": [{"from": "system", "value": "Be kind."}, HUMAN, GPT]},
        {"messages": [{"role": "developer", "content": "Be kind."}, USER, ASSISTANT]},
        {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be kind."}]}, USER, ASSISTANT]},
    ],
)
def test_a_system_turn_stands_before_the_instruction(record: dict[str, object]) -> None:
    assert read_pair(record) == Pair("Be kind.\n\nAsk?", "Answer.")


def test_an_input_stands_after_the_instruction() -> None:
    assert read_pair({"instruction": "Add.", "input": "1, 2", "output": "3"}).instruction == "Add.\n\n1, 2"
    assert read_pair({"instruction": "Add.", "context": "1, 2", "response": "3"}).instruction == "Add.\n\n1, 2"


def test_named_columns_win_over_looking() -> None:
    record = {"instruction": "no", "output": "no", "question": "Ask?", "solution": "Answer."}
    assert read_pair(record, "question", "solution") == Pair("Ask?", "Answer.")
    assert read_pair(record, "qestion", "solution").reason == (
        "has no field 'qestion', but the fields instruction, output, question, solution"
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"instruction": "a"}, "no response"),
        ({"instruction": None, "output": "b"}, "no instruction"),
        ({"instruction": "a", "output": 42}, "response is no text but int"),
        ({"instruction": "a", "input": 21, "output": "b"}, "input is no text but int"),
        (
            {"messages": [{"role": "system", "content": [{"type": "image"}]}, USER, ASSISTANT]},
            "a system turn holds a part of type 'image'",
        ),
        ({"instruction": ["a"], "output": "b"}, "instruction is no text but list"),
        ({"instruction": "a", "output": "\ud800"}, "response holds half of a surrogate pair"),
        ({"messages": []}, "has no user turn"),
        ({"messages": [ASSISTANT]}, "has no user turn"),
        ({"messages": [USER]}, "has no assistant turn after its first user turn"),
        ({"messages": [USER, USER, ASSISTANT]}, "has no assistant turn after its first user turn"),
        ({"messages": "Hello"}, "its turns are no list of messages but str"),
        ({"messages": ["Hello"]}, "its turns are no list of messages but list"),
        ({"messages": None}, "its turns are no list of messages but NoneType"),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, "no response"),
        (
            {"messages": [USER, {"role": "assistant", "content": [{"type": "image"}]}]},
            "response holds a part of type 'image'",
        ),
        ({"prompt": [USER], "completion": None}, "no response"),
        (["a", "b"], "is no record with named fields but list"),
        (None, "is no record with named fields but NoneType"),
    ],
)
def test_what_cannot_be_used_says_why(record: object, reason: str) -> None:
    assert read_pair(record).reason == reason


def test_an_unknown_form_names_its_fields_and_the_remedy() -> None:
    assert "the fields answer, question; set prompt_column" in str(read_pair({"question": "a", "answer": "b"}).reason)


def test_the_usable_half_of_a_record_is_kept() -> None:
    assert read_pair({"prompt": "a"}) == Pair("a", None, "no response")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "text"]), inner),
    max_leaves=8,
)
fields = ["instruction", "input", "output", "prompt", "completion", "messages", "conversations"]


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(fields), json_values))
def test_no_record_is_an_error_and_a_pair_has_two_texts_or_a_reason(record: dict[str, object]) -> None:
    found = read_pair(record)
    assert (found.reason is None) == (found.instruction is not None and found.response is not None)


def test_turns_nested_without_end_are_told():
    found = read_pair({"messages": "[" * 100_000})
    assert found.reason == "its turns are no list of messages but str"


def test_a_field_name_that_fits_in_no_file_is_told():
    assert r"\ud800" in read_pair({"\ud800": "x"}).reason
