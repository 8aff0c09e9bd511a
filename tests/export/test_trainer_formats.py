import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.data.records.record_formats import read_pair
from m2m.data.records.turns import CALL_MARKS
from m2m.export.trainer_formats import CONVERTERS, describe_for_llama_factory, format_record

ROW = {"id": "0", "instruction": "What is 1 + 1?", "response": "2"}
TEXTS = st.text(min_size=1).filter(lambda text: text == text.strip() and text)
ANSWERS = TEXTS.filter(lambda text: not text.startswith(CALL_MARKS))  # ingest leaves calls of tools out, and says so


@pytest.mark.parametrize("form", CONVERTERS)
def test_every_form_holds_both_texts(form: Any) -> None:
    told = json.dumps(format_record(ROW, form))
    assert "What is 1 + 1?" in told
    assert '"2"' in told


@given(TEXTS, ANSWERS)
def test_what_is_written_is_read_back_by_ingest(instruction: Any, response: Any) -> None:
    for form in ("messages", "alpaca", "sharegpt"):
        told = read_pair(
            json.loads(json.dumps(format_record({"instruction": instruction, "response": response}, form)))
        )
        assert (told.instruction, told.response) == (instruction, response)


def test_messages_and_conversations_begin_with_the_person() -> None:
    assert [turn["role"] for turn in format_record(ROW, "messages")["messages"]] == ["user", "assistant"]
    assert [turn["from"] for turn in format_record(ROW, "sharegpt")["conversations"]] == ["human", "gpt"]


def test_a_completion_is_a_turn_of_its_own_so_that_trl_trains_on_it_alone() -> None:
    assert format_record(ROW, "prompt-completion") == {
        "prompt": [{"role": "user", "content": "What is 1 + 1?"}],
        "completion": [{"role": "assistant", "content": "2"}],
    }


def test_parquet_keeps_the_row() -> None:
    assert format_record(ROW, "parquet") == ROW


def test_llama_factory_is_told_of_the_two_forms_that_it_reads() -> None:
    assert [form for form in CONVERTERS if describe_for_llama_factory(form)] == ["alpaca", "sharegpt"]
    assert describe_for_llama_factory("sharegpt")["subset"]["columns"] == {"messages": "conversations"}


def test_plain_is_the_prompt_that_the_study_trains_with() -> None:
    assert format_record(ROW, "plain") == {"prompt": "Question: What is 1 + 1?\nAnswer:\n", "completion": "2"}
