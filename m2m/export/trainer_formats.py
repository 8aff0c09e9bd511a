"""Converts pairs to the record formats that trainers read."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from m2m.text.prompt_format import PROMPT

ExportFormat = Literal["prompt-completion", "messages", "alpaca", "sharegpt", "plain", "parquet"]
SelectFormat = ExportFormat | Literal["original"]  # original: the records of a person's files as they were read
DATASET_NAME = "subset"  # for LLaMA-Factory


def format_record(row: Mapping[str, Any], form: ExportFormat) -> dict[str, Any]:
    """One pair in the format `form`; `row` has instruction and response. parquet returns the row unchanged.

    prompt-completion is TRL's conversational form: TRL applies the model's chat template and trains on the completion.
    plain is the prompt that this study trains with, as text: TRL's standard prompt-completion form.

    >>> format_record({"instruction": "Hi?", "response": "Ho."}, "alpaca")
    {'instruction': 'Hi?', 'input': '', 'output': 'Ho.'}
    """
    return CONVERTERS[form](row)


def describe_for_llama_factory(form: SelectFormat) -> dict[str, Any] | None:
    """LLaMA-Factory's dataset_info.json for data.jsonl, or None if it does not read `form`."""
    columns = {"prompt": "instruction", "query": "input", "response": "output"}
    formats: dict[str, dict[str, Any]] = {
        "alpaca": {"formatting": "alpaca", "columns": columns},
        "sharegpt": {"formatting": "sharegpt", "columns": {"messages": "conversations"}},
    }
    return {DATASET_NAME: {"file_name": "data.jsonl"} | formats[form]} if form in formats else None


def _turn(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def _completion(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"prompt": [_turn("user", row["instruction"])], "completion": [_turn("assistant", row["response"])]}


def _messages(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"messages": [_turn("user", row["instruction"]), _turn("assistant", row["response"])]}


def _alpaca(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"instruction": row["instruction"], "input": "", "output": row["response"]}


def _sharegpt(row: Mapping[str, Any]) -> dict[str, Any]:
    turns = (("human", row["instruction"]), ("gpt", row["response"]))
    return {"conversations": [{"from": speaker, "value": text} for speaker, text in turns]}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"prompt": PROMPT.format(instruction=row["instruction"]), "completion": row["response"]}


CONVERTERS: dict[ExportFormat, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "prompt-completion": _completion,
    "messages": _messages,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "plain": _plain,
    "parquet": dict,
}
