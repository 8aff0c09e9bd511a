"""Prompts: a reference or a baseline's answer goes where its name says, and ids do not depend on the order."""

from typing import Any

import polars as pl
import pytest

from m2m.data.benchmarks.eval_prompts import (
    convert_heldout_rows,
    convert_records,
    read_baseline_answers,
    sample_prompts,
)
from m2m.data.records.hash_split import draw_uniform


def only(record: Any, **answers: tuple[str, str]) -> tuple[str | None, ...]:
    return convert_records("mine", [record], answers).drop("id", "benchmark", "group").row(0)


@pytest.mark.parametrize(
    ("record", "prompt"),
    [
        ({"instruction": "Ask?"}, ("Ask?", None, None, None)),
        ({"instruction": " Ask? ", "output": "Answer."}, ("Ask?", "Answer.", None, None)),
        ({"instruction": "Ask?", "reference": "Answer."}, ("Ask?", "Answer.", None, None)),
        ({"prompt": "Ask?", "completion": "Answer."}, ("Ask?", "Answer.", None, None)),
        ({"question": "Ask?"}, ("Ask?", None, None, None)),
        ({"question": "Ask?", "answer": "Answer."}, ("Ask?", "Answer.", None, None)),
        ({"question": "Ask?", "correct": "Answer.", "turns": 1}, ("Ask?", None, None, None)),
        ({"prompt": "Ask?", "chosen": "Answer.", "rejected": "No."}, ("Ask?", None, None, None)),
        (
            {"instruction": "Ask?", "output": "Answer.", "generator": "gpt4", "dataset": "koala"},
            ("Ask?", None, "gpt4", "Answer."),
        ),
        (
            {"instruction": "Ask?", "output": "Ref.", "baseline": "gpt4", "baseline_answer": "Answer."},
            ("Ask?", "Ref.", "gpt4", "Answer."),
        ),
        (
            {"instruction": "Ask?", "baseline_model": "gpt4", "baseline_response": "Answer."},
            ("Ask?", None, "gpt4", "Answer."),
        ),
        ({"instruction": "Ask?", "baseline_answer": "Answer."}, ("Ask?", None, "baseline", "Answer.")),
        ({"instruction": "Ask?", "baseline": "gpt4"}, ("Ask?", None, None, None)),
        ({"instruction": "Ask?", "output": "  "}, ("Ask?", None, None, None)),
        ({"instruction": "Ask?", "output": 7}, ("Ask?", None, None, None)),
        ({"uid": "u1", "prompt": "Ask?"}, ("Ask?", None, "gpt-4-0314", "Answer.")),
        ({"question_id": "u1", "turns": [{"content": "Ask?"}]}, ("Ask?", None, "gpt-4-0314", "Answer.")),
        ({"uid": "u2", "prompt": "Ask?"}, ("Ask?", None, None, None)),
    ],
)
def test_each_text_goes_where_its_name_says(record: Any, prompt: tuple[str | None, ...]) -> None:
    assert only(record, u1=("gpt-4-0314", "Answer.")) == prompt


@pytest.mark.parametrize(
    ("record", "reference"),
    [
        ({"instruction": "Ask?", "output": "Answer.", "generator": "gpt4"}, "Answer."),
        ({"instruction": "Ask?", "output": "Ref.", "baseline": "gpt4", "baseline_answer": "Answer."}, "Answer."),
        ({"instruction": "Ask?", "baseline_model": "gpt4", "baseline_response": "Answer."}, "Answer."),
        ({"uid": "u1", "prompt": "Ask?"}, "Answer."),
        ({"instruction": "Ask?", "output": "Ref."}, None),
    ],
)
def test_a_recorded_baseline_may_be_the_reference_and_is_then_no_opponent(record: Any, reference: str | None) -> None:
    answers = {"u1": ("gpt-4-0314", "Answer.")}
    table = convert_records("mine", [record], answers, "baseline").drop("id", "benchmark", "group")
    assert table.row(0) == ("Ask?", reference, None, None)


def test_both_layouts_of_arena_hards_answers_are_read() -> None:
    said = [{"role": "user", "content": "Ask?"}, {"role": "assistant", "content": {"answer": "New."}}]
    old = {"question_id": "b", "model_id": "gpt-4-0314", "choices": [{"index": 0, "turns": [{"content": "Old."}]}]}
    records = [{"uid": "a", "model": "gpt-4-0314", "messages": said}, old, {"uid": "c"}, "broken", None]
    assert read_baseline_answers(records) == {"a": ("gpt-4-0314", "New."), "b": ("gpt-4-0314", "Old.")}


def test_records_without_an_instruction_and_repeated_ones_are_left_out() -> None:
    records = [
        None,
        {},
        {"instruction": ""},
        {"instruction": "\ud800"},
        {"prompt": "a"},
        {"prompt": " a"},
        {"prompt": "b"},
    ]
    assert sorted(convert_records("mine", records, {})["instruction"]) == ["a", "b"]


def test_ids_come_from_benchmark_and_instruction() -> None:
    one, two = (convert_records(name, [{"prompt": "a"}], {})["id"][0] for name in ("one", "two"))
    assert one != two and len(one) == 16
    assert convert_records("one", [{"prompt": "b"}, {"prompt": "a"}], {})["id"][1] == one


def test_no_records_give_no_prompts() -> None:
    assert convert_records("mine", [], {}).shape == (0, 7)


def test_a_held_out_row_keeps_its_id_and_its_response_is_the_reference() -> None:
    rows = pl.DataFrame({"id": ["x"], "source": ["docs"], "instruction": ["Ask?"], "response": ["Answer."]})
    place = {"id": ["x"], "source": ["docs"], "file": [""], "fields": ['{"package": "numpy"}']}
    found = convert_heldout_rows("own", rows, pl.DataFrame(place))
    assert found.rows() == [("x", "own", "Ask?", "Answer.", None, None, "docs/numpy")]


def test_prompts_of_a_category_are_a_group() -> None:
    records = [
        {"prompt": "a", "category": "maths"},
        {"prompt": "b", "cluster": "Puzzles", "category": "c"},
        {"prompt": "c"},
    ]
    table = convert_records("mine", records, {})
    assert dict(table.select("instruction", "group").rows()) == {"a": "mine/maths", "b": "mine/Puzzles", "c": "mine"}


def test_the_limit_chooses_by_the_hash_of_the_id() -> None:
    prompts = convert_records("mine", [{"prompt": str(number)} for number in range(20)], {})
    few, reversed_few = (set(sample_prompts(table, 5, 1)["id"]) for table in (prompts, prompts.reverse()))
    assert few == reversed_few == set(sorted(prompts["id"], key=lambda id: draw_uniform(id, "prompts", 1))[:5])
    assert sample_prompts(prompts, None, 1).height == sample_prompts(prompts, 99, 1).height == 20


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(ValueError, match=f"at least 1, or null for all, got {limit}"):
        sample_prompts(convert_records("x", [{"instruction": "a", "output": "b"}] * 2, {}), limit, 1)
