"""Tables, or the settings alone → what `plan` has to know of the data."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from m2m.planning.cost_model import DataSize

PUBLISHED_PROMPTS = {
    "alpaca_eval_gpt4_baseline.json": 805,
    "data/arena-hard-v0.1/question.jsonl": 500,
}  # prompts in a file


def count_data(tokens: Mapping[str, pl.DataFrame], prompts: pl.DataFrame) -> DataSize:
    """From the tables of a run: a token list a row, by side, and the evaluation prompts."""
    rows = len(tokens["response"])
    known = prompts.drop_nulls("baseline_answer")["benchmark"]
    return DataSize(
        rows,
        int(tokens["instruction"]["tokens"].list.len().sum()) / rows,
        int(tokens["response"]["tokens"].list.len().sum()) / rows,
        dict(prompts["benchmark"].value_counts().sort("benchmark").iter_rows()),
        frozenset(known),
    )


def estimate_data_size(
    settings: Mapping[str, Any], rows: int | None, instruction_tokens: float, response_tokens: float
) -> DataSize:
    """From the limits in the settings; `rows`, where given, is the pool. ValueError for what no setting tells."""
    share = settings["ingest"]["heldout_share"]
    if rows is None:
        limits = {name: source.get("limit") for name, source in settings["ingest"]["sources"].items()}
        if open_ended := [name for name, limit in limits.items() if limit is None]:
            raise ValueError(
                f"source {open_ended[0]} has no limit, so its rows are not known before ingest: say --rows"
            )
        rows = round(sum(limits.values()) * (1 - share))
    held = round(rows * share / (1 - share))
    sources = settings["benchmark"]["sources"]
    prompts = {name: _prompts(name, source, held) for name, source in sources.items()}
    with_baseline = frozenset(name for name, source in sources.items() if source["kind"] != "heldout")
    return DataSize(rows, instruction_tokens, response_tokens, prompts, with_baseline)


def _prompts(name: str, source: Mapping[str, Any], held: int) -> int:
    there = held if source["kind"] == "heldout" else PUBLISHED_PROMPTS.get(source["path"])
    limits = [number for number in (there, source.get("limit")) if number is not None]
    if not limits:
        raise ValueError(f"benchmark {name} has no limit, so its prompts are not known before it is read: dvc repro it")
    return min(limits)
