"""Pairs → records in the forms that trainers read."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

ExportFormat = Literal["prompt-completion", "messages", "alpaca", "sharegpt", "parquet"]
Row = Mapping[str, Any]
DATASET_NAME = "subset"  # of the data set, to LLaMA-Factory


def format_record(row: Row, form: ExportFormat) -> dict[str, Any]:
    """One pair in the form `form`; `row` has instruction and response. For parquet it stays as it is.

    prompt-completion is TRL's conversational kind: it applies the model's chat template and trains on the completion.

    >>> record({"instruction": "Hi?", "response": "Ho."}, "alpaca")
    {'instruction': 'Hi?', 'input': '', 'output': 'Ho.'}
    """
    return CONVERTERS[form](row)


def describe_for_llama_factory(form: ExportFormat) -> dict[str, Any] | None:
    """What LLaMA-Factory's dataset_info.json has to say of data.jsonl, where it reads `form`."""
    columns = {"prompt": "instruction", "query": "input", "response": "output"}
    told: dict[str, dict[str, Any]] = {
        "alpaca": {"formatting": "alpaca", "columns": columns},
        "sharegpt": {"formatting": "sharegpt", "columns": {"messages": "conversations"}},
    }
    return {DATASET_NAME: {"file_name": "data.jsonl"} | told[form]} if form in told else None


def _said(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def _completion(row: Row) -> dict[str, Any]:
    return {"prompt": [_said("user", row["instruction"])], "completion": [_said("assistant", row["response"])]}


def _messages(row: Row) -> dict[str, Any]:
    return {"messages": [_said("user", row["instruction"]), _said("assistant", row["response"])]}


def _alpaca(row: Row) -> dict[str, Any]:
    return {"instruction": row["instruction"], "input": "", "output": row["response"]}


def _sharegpt(row: Row) -> dict[str, Any]:
    turns = (("human", row["instruction"]), ("gpt", row["response"]))
    return {"conversations": [{"from": who, "value": text} for who, text in turns]}


CONVERTERS: dict[ExportFormat, Callable[[Row], dict[str, Any]]] = {
    "prompt-completion": _completion,
    "messages": _messages,
    "alpaca": _alpaca,
    "sharegpt": _sharegpt,
    "parquet": dict,
}
