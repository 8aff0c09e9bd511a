"""The size of the data: counted from the tables of a run, or estimated from the settings."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from m2m.planning.cost_model import DataSize

PUBLISHED_PROMPTS = {
    "alpaca_eval_gpt4_baseline.json": 805,
    "data/arena-hard-v0.1/question.jsonl": 500,
}  # prompts in a file


def count_data(tokens: Mapping[str, pl.DataFrame], prompts: pl.DataFrame) -> DataSize:
    """The size of the data from the tables of a run: a token list a row, by side, and the evaluation prompts."""
    rows = len(tokens["response"])
    with_baseline = prompts.drop_nulls("baseline_answer")["benchmark"]
    return DataSize(
        rows,
        int(tokens["instruction"]["tokens"].list.len().sum()) / rows,
        int(tokens["response"]["tokens"].list.len().sum()) / rows,
        dict(prompts["benchmark"].value_counts().sort("benchmark").iter_rows()),
        frozenset(with_baseline),
    )


def estimate_data_size(
    settings: Mapping[str, Any], rows: int | None, instruction_tokens: float, response_tokens: float
) -> DataSize:
    """The size of the data from the limits in the settings, or `rows` of the pool: named, or counted after ingest.

    ValueError if a limit is missing.
    """
    share = settings["ingest"]["heldout_share"]
    if rows is None:
        limits = {name: source.get("limit") for name, source in settings["ingest"]["sources"].items()}
        if open_ended := [name for name, limit in limits.items() if limit is None]:
            raise ValueError(
                f"Source {open_ended[0]} has no limit, so its rows are unknown before ingest. Give --rows."
            )
        rows = round(sum(limits.values()) * (1 - share))
    heldout = round(rows * share / (1 - share))
    sources = settings["benchmark"]["sources"]
    prompts = {name: _count_prompts(name, source, heldout) for name, source in sources.items()}
    with_baseline = frozenset(name for name, source in sources.items() if source["kind"] != "heldout")
    return DataSize(rows, instruction_tokens, response_tokens, prompts, with_baseline)


def _count_prompts(name: str, source: Mapping[str, Any], heldout: int) -> int:
    total = heldout if source["kind"] == "heldout" else PUBLISHED_PROMPTS.get(source["path"])
    limits = [number for number in (total, source.get("limit")) if number is not None]
    if not limits:
        raise ValueError(
            f"Benchmark {name} has no limit, so its prompts are unknown before it is read. Run dvc repro benchmark."
        )
    return min(limits)
