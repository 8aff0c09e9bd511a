"""Forms are told by looking at the record; what has no usable text says why."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.records.exchanges import Pair
from m2m.data.records.record_formats import (
    DETECTED,
    RECORD_FIELDS,
    RECORD_FORMS,
    PairColumns,
    read_exchanges,
    read_pair,
    split_record,
)

USER, ASSISTANT = {"role": "user", "content": "Ask?"}, {"role": "assistant", "content": "Answer."}
HUMAN, GPT = {"from": "human", "value": "Ask?"}, {"from": "gpt", "value": "Answer."}
SYSTEM = {"role": "system", "content": "Be kind."}
PYTHON = "its turns are text that is no JSON but a list as Python writes it: write it with json.dumps"
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
        {"question": "Ask?", "answer": "Answer."},
        {"question": "Ask?", "response": "Answer.", "context": ""},
        {"question": [USER], "answer": [ASSISTANT]},
    ],
)
def test_the_first_turn_is_found_in_every_form(record: dict[str, Any]) -> None:
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
def test_a_system_turn_stands_before_the_instruction(record: dict[str, Any]) -> None:
    assert read_pair(record) == Pair("Be kind.\n\nAsk?", "Answer.", has_context=True)


def test_an_input_stands_after_the_instruction() -> None:
    assert read_pair({"instruction": "Add.", "input": "1, 2", "output": "3"}).instruction == "Add.\n\n1, 2"
    assert read_pair({"instruction": "Add.", "context": "1, 2", "response": "3"}).instruction == "Add.\n\n1, 2"


def test_a_question_takes_its_system_prompt_and_its_context() -> None:
    orca = {"id": "t0.1", "system_prompt": "Be kind.", "question": "Ask?", "response": "Answer."}
    assert read_pair(orca) == Pair("Be kind.\n\nAsk?", "Answer.", has_context=True)
    assert read_pair({"question": "Who?", "context": "Ann ran.", "answer": "Ann."}).instruction == "Who?\n\nAnn ran."


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": "Ask?", "output": "Answer."},
        {"prompt": "Ask?", "completion": "Answer."},
        {"messages": [USER, ASSISTANT]},
        {"conversations": [HUMAN, GPT]},
    ],
)
def test_a_question_is_read_where_no_other_form_is(record: dict[str, Any]) -> None:
    assert read_pair({"question": "No?", "answer": "No."} | record) == Pair("Ask?", "Answer.")


def test_a_question_whose_answer_has_another_name_is_no_form() -> None:
    assert str(read_pair({"question": "a", "best_answer": "b"}).reason).endswith(
        "set prompt_column and response_column"
    )
    assert "is a preference row" in str(read_pair({"question": "a", "chosen": "b", "rejected": "c"}).reason)


def test_the_page_on_pools_lists_the_forms_that_a_reason_lists() -> None:
    forms = re.sub(r" \([a-z, ]*\)", "", RECORD_FORMS)
    page = (Path(__file__).parents[3] / "docs/how-to/own-pool.md").read_text(encoding="utf-8")
    assert f"The record format is detected: {forms}." in page


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
def test_what_cannot_be_used_says_why(record: Any, reason: str) -> None:
    assert read_pair(record).reason == reason


def test_an_unknown_form_names_its_fields_and_the_remedy() -> None:
    assert "the fields Antwort, Frage; set prompt_column" in str(read_pair({"Frage": "a", "Antwort": "b"}).reason)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"instruction": "a", "output": "b", "turns": 3, "context": {"page": 1}}, "context is no text but dict"),
        ({"instruction": "a", "output": None, "turns": 3}, "no response"),
        ({"instruction": None, "output": "b", "turns": 3}, "no instruction"),
        ({"prompt": "a", "completion": 5, "data": "v1"}, "response is no text but int"),
        ({"prompt": "a", "messages": "[{'role': 'user', 'content': 'a'}]"}, PYTHON),
        ({"prompt": "a", "messages": [USER]}, "has no assistant turn after its first user turn"),
        (
            {"prompt": "a", "completion": "b", "messages": [USER], "tools": ["f"]},
            "has tools in the column tools, which no plain prompt carries",
        ),
        ({"id": "a", "source": "b", "messages": None}, "its turns are no list of messages but NoneType"),
    ],
)
def test_the_reason_is_that_of_the_form_that_came_closest(record: dict[str, Any], reason: str) -> None:
    assert read_pair(record).reason == reason


def test_a_number_that_has_the_name_of_turns_is_no_form() -> None:
    reason = str(read_pair({"Frage": "a", "Antwort": "b", "turns": 3}).reason)
    assert reason.endswith("the fields Antwort, Frage, turns; set prompt_column and response_column")


@pytest.mark.parametrize(
    ("record", "columns", "fields"),
    [
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, ("prompt", "chosen"), {"rejected": "c"}),
        ({"question": "a", "context": "b", "answer": "c"}, ("question", "answer"), {"context": "b"}),
        ({"Question ": "a", "answer": "c", "id": 1}, ("question", "answer"), {"id": 1}),
        ({"Output": "x", "output": "b", "prompt": "a"}, ("prompt", "output"), {"Output": "x"}),
        ({"chat": [USER, ASSISTANT], "messages": [SYSTEM]}, ("chat", "chat"), {"messages": [SYSTEM]}),
        ({"conversations": [HUMAN, GPT], "turns": 2, "data": "v1"}, (), {"turns": 2, "data": "v1"}),
        ({"instruction": "a", "input": "b", "context": "c", "output": "d"}, (), {"context": "c"}),
        ({"instruction": "a", "input": "", "context": "c", "output": "d"}, (), {}),
        ({"instruction": "a", "output": "b", "response": "c", "answer": 1}, (), {"response": "c", "answer": 1}),
        ({"instruction": "a", "output": "", "response": "c", "system": "d"}, (), {}),
        ({"messages": [USER, ASSISTANT], "prompt": "p", "history": [], "tools": "[]"}, (), {"prompt": "p"}),
        ({"prompt": "a", "completion": "b", "messages": None, "input": "", "system": 5}, (), {"system": 5}),
        ({"prompt": "a", "completion": "b", "note": None, "tag": ""}, (), {"note": None, "tag": ""}),
        ({"prompt": "a", "completion": None, "turns": 2}, (), {"turns": 2}),
        ({"Frage": "a", "Antwort": "b", "turns": 2}, (), {"Frage": "a", "Antwort": "b", "turns": 2}),
    ],
)
def test_the_fields_that_were_not_read_stay_the_persons(
    record: dict[str, Any], columns: tuple[str, ...], fields: dict[str, Any]
) -> None:
    assert split_record(record, PairColumns(*columns), "first").other_fields == fields


def test_the_usable_half_of_a_record_is_kept() -> None:
    assert read_pair({"prompt": "a"}) == Pair("a", None, "no response")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["role", "content", "text", "from", "value", "type", "output", "weight", "tool_calls"]),
            inner,
        )
    ),
    max_leaves=8,
)
fields = sorted(RECORD_FIELDS | {"label", "weight", "train"})


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(fields), json_values))
def test_no_record_is_an_error_and_a_pair_has_two_texts_or_a_reason(record: dict[str, Any]) -> None:
    for turns in ("first", "last", "each"):
        for pair in read_exchanges(record, DETECTED, turns).pairs:
            assert pair.reason is not None or (pair.instruction is not None and pair.response is not None)


def test_turns_nested_without_end_are_told() -> None:
    found = read_pair({"messages": "[" * 100_000})
    assert found.reason == "its turns are no list of messages but str"


def test_a_field_name_that_fits_in_no_file_is_told() -> None:
    assert r"\ud800" in read_pair({"\ud800": "x"}).reason


def test_a_null_field_never_hides_a_filled_one() -> None:
    empty = dict.fromkeys(["instruction", "input", "output", "messages", "conversations", "prompt", "completion"])
    for record in (
        {"instruction": "Ask?", "output": "Answer."},
        {"messages": [USER, ASSISTANT]},
        {"conversations": [HUMAN, GPT]},
        {"prompt": "Ask?", "completion": "Answer."},
    ):
        for absent in (None, "", float("nan"), []):  # type: ignore[var-annotated]
            assert read_pair(dict.fromkeys(empty, absent) | record) == Pair("Ask?", "Answer."), (record, absent)


@pytest.mark.parametrize(
    "record",
    [
        {"instruction": "Ask?", "output": "Answer.", "prompt": "### Instruction: Ask? ### Output: Answer."},
        {"prompt": "alpaca_short", "instruction": "Ask?", "output": "Answer.", "response": "Answer."},
        {"instruction": "Ask?", "response": "Answer.", "prompt": "short"},
        {"instruction": "a label", "prompt": "Ask?", "completion": "Answer."},
        {"messages": [], "instruction": "Ask?", "output": "Answer."},
        {"messages": [USER], "prompt": "Ask?", "completion": "Answer."},
    ],
)
def test_a_form_wins_only_where_both_sides_are_filled(record: dict[str, Any]) -> None:
    assert read_pair(record) == Pair("Ask?", "Answer.")


@pytest.mark.parametrize("field", ["system", "system_prompt", "system_message"])
@pytest.mark.parametrize(
    "record",
    [
        {"instruction": "Ask?", "output": "Answer."},
        {"prompt": "Ask?", "completion": "Answer."},
        {"conversations": [HUMAN, GPT]},
        {"messages": [SYSTEM, USER, ASSISTANT]},
    ],
)
def test_a_system_column_is_part_of_the_instruction_once(record: dict[str, Any], field: str) -> None:
    assert read_pair({**record, field: "Be kind."}) == Pair("Be kind.\n\nAsk?", "Answer.", has_context=True)
    assert read_pair({**record, field: ""}).response == "Answer."


@pytest.mark.parametrize(
    "history",
    [
        [["Before?", "Yes."]],
        [{"role": "user", "content": "Before?"}, {"role": "assistant", "content": "Yes."}],
        json.dumps([["Before?", "Yes."]]),
        ["Before?", "Yes."],
    ],
)
def test_a_history_column_precedes_the_instruction(history: Any) -> None:
    record = {"instruction": "Ask?", "output": "Answer.", "system": "Be kind.", "history": history}
    expected = "Be kind.\n\nUser: Before?\n\nAssistant: Yes.\n\nUser: Ask?"
    assert read_pair(record) == Pair(expected, "Answer.", has_context=True)


@pytest.mark.parametrize("history", [None, [], "", "[]", float("nan")])
def test_an_empty_history_is_none(history: Any) -> None:
    assert read_pair({"instruction": "Ask?", "output": "Answer.", "history": history}) == Pair("Ask?", "Answer.")


def test_a_history_that_cannot_be_read_is_a_reject_that_names_it() -> None:
    reason = read_pair({"instruction": "Ask?", "output": "Answer.", "history": "long ago"}).reason
    assert reason == "its history cannot be read: its turns are no list of messages but str"


@pytest.mark.parametrize("tools", [[{"name": "f"}], '[{"name": "f"}]', {"name": "f"}])
def test_filled_tools_are_a_reject_that_names_the_column(tools: Any) -> None:
    for record in ({"messages": [USER, ASSISTANT]}, {"instruction": "Ask?", "output": "Answer."}):
        assert (
            read_pair({**record, "tools": tools}).reason
            == "has tools in the column tools, which no plain prompt carries"
        )


@pytest.mark.parametrize("tools", [None, [], "", "[]", "null"])
def test_empty_tools_are_none(tools: Any) -> None:
    assert read_pair({"messages": [USER, ASSISTANT], "tools": tools}) == Pair("Ask?", "Answer.")


PREFERENCES = [
    {"prompt": "Ask?", "chosen": "Answer.", "rejected": "No."},
    {"prompt": "Ask?", "chosen": [USER, ASSISTANT], "rejected": [USER, {"role": "assistant", "content": "No."}]},
    {"prompt": "Ask?", "chosen": [ASSISTANT], "rejected": [{"role": "assistant", "content": "No."}]},
    {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [{"role": "assistant", "content": "No."}]},
]


@pytest.mark.parametrize("record", PREFERENCES)
def test_a_preference_row_names_the_setting_that_works_and_it_works(record: dict[str, Any]) -> None:
    reason = str(read_pair({**record, "prompt": "Ask?"}).reason)
    assert reason.startswith("is a preference row (chosen, rejected)")
    assert reason.endswith("set prompt_column to prompt and response_column to chosen")
    assert read_pair(record, "prompt", "chosen") == Pair("Ask?", "Answer.")


def test_a_preference_row_without_a_prompt_names_what_works() -> None:
    dialogues = {"chosen": [USER, ASSISTANT], "rejected": [USER, {"role": "assistant", "content": "No."}]}
    assert "set prompt_column to chosen and response_column to chosen" in str(read_pair(dialogues).reason)
    assert read_pair(dialogues, "chosen", "chosen") == Pair("Ask?", "Answer.")
    assert "write the prompt to a column of its own" in str(read_pair({"chosen": "H: a A: b", "rejected": "c"}).reason)


def test_a_row_with_the_chosen_dialogue_in_messages_is_read() -> None:
    assert read_pair({**PREFERENCES[1], "messages": [USER, ASSISTANT]}) == Pair("Ask?", "Answer.")  # type: ignore[dict-item]


@pytest.mark.parametrize("field", ["conversation", "dialogue", "dialog", "turns", "contents", "Messages", " messages "])
def test_turns_under_other_names_are_read(field: str) -> None:
    assert read_pair({field: [USER, ASSISTANT]}) == Pair("Ask?", "Answer.")


@pytest.mark.parametrize(
    "record",
    [
        {"data": ["Ask?", "Answer.", "More?", "No."]},
        {"conversation": [{"input": "Ask?", "output": "Answer."}]},
        {"prompt": [USER], "answer": [ASSISTANT]},
        {"Instruction": "Ask?", "OUTPUT": "Answer."},
        {
            "contents": [
                {"role": "user", "parts": [{"text": "Ask?"}]},
                {"role": "model", "parts": [{"text": "Answer."}]},
            ]
        },
        {"instruction": "", "input": "Ask?", "output": "Answer."},
        {"instruction": "Ask?", "input": float("nan"), "output": "Answer."},
    ],
)
def test_other_usual_records_are_read(record: dict[str, Any]) -> None:
    assert read_pair(record) == Pair("Ask?", "Answer.")


def test_one_column_of_turns_may_be_named_as_both() -> None:
    assert read_pair({"chat_log": [USER, ASSISTANT]}, "chat_log", "chat_log") == Pair("Ask?", "Answer.")


def test_advice_is_advice_that_can_help() -> None:
    baked = str(read_pair({"text": "### Human: a ### Assistant: b"}).reason)
    assert "write them to two columns" in baked and "prompt_column" not in baked
    turns = str(read_pair({"chat_log": [USER, ASSISTANT]}).reason)
    assert "name a column of turns as both prompt_column and response_column" in turns
    assert "prompt_column" not in str(read_pair({"id": "x"}).reason)


def test_a_reason_does_not_print_a_whole_response_as_a_field_name() -> None:
    reason = str(read_pair({"Why is the sky blue? " * 9: "a", " b ": "c"}).reason)
    assert len(reason) < 300 and "' b '" in reason


def test_nan_as_a_response_is_none() -> None:
    assert read_pair({"instruction": "Ask?", "output": float("nan")}).reason == "no response"
