import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.data.records.record_formats import read_pair
from m2m.export.trainer_formats import FORMS, factory, record

ROW = {"id": "0", "instruction": "What is 1 + 1?", "response": "2"}
TEXTS = st.text(min_size=1).filter(lambda text: text == text.strip() and text)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_both_texts(form):
    told = json.dumps(record(ROW, form))
    assert "What is 1 + 1?" in told
    assert '"2"' in told


@given(TEXTS, TEXTS)
def test_what_is_written_is_read_back_by_ingest(instruction, response):
    for form in ("messages", "alpaca", "sharegpt"):
        told = read_pair(json.loads(json.dumps(record({"instruction": instruction, "response": response}, form))))
        assert (told.instruction, told.response) == (instruction, response)


def test_messages_and_conversations_begin_with_the_person():
    assert [turn["role"] for turn in record(ROW, "messages")["messages"]] == ["user", "assistant"]
    assert [turn["from"] for turn in record(ROW, "sharegpt")["conversations"]] == ["human", "gpt"]


def test_a_completion_is_a_turn_of_its_own_so_that_trl_trains_on_it_alone():
    assert record(ROW, "prompt-completion") == {
        "prompt": [{"role": "user", "content": "What is 1 + 1?"}],
        "completion": [{"role": "assistant", "content": "2"}],
    }


def test_parquet_keeps_the_row():
    assert record(ROW, "parquet") == ROW


def test_llama_factory_is_told_of_the_two_forms_that_it_reads():
    assert [form for form in FORMS if factory(form)] == ["alpaca", "sharegpt"]
    assert factory("sharegpt")["subset"]["columns"] == {"messages": "conversations"}
