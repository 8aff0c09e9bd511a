"""Settings, the grid's cells and a few facts about the data → what running it all costs, in numbers by name."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from m2m.planning.costs import (
    estimate_answering_seconds,
    estimate_checkpoint_bytes,
    estimate_training_bytes,
    estimate_training_flops,
)
from m2m.planning.gpus import Gpu
from m2m.planning.llama_shapes import LlamaShape

Settings = Mapping[str, Any]
# tokens of our templates, about four thirds of their words; and a reply where nothing bounds it near its length
TEMPLATE_TOKENS = {"respond": 50, "tag": 170, "alpaca-eval": 200, "arena-hard": 360}
TAG_REPLY_TOKENS, VERDICT_REPLY_TOKENS = 40, 600
SIDE_COUNT = 2
VECTOR_BYTES = 384 * 4  # bytes: all-MiniLM-L6-v2, float32


class DataSize(NamedTuple):
    """The data: counted where a run with these settings has left it, else assumed."""

    rows: int  # of the pool
    instruction_tokens: float  # a row
    response_tokens: float  # a row
    prompts: Mapping[str, int]  # by benchmark
    with_baseline: frozenset[str]  # benchmarks whose prompts come with a baseline's answers


class LlmCalls(NamedTuple):
    """Requests to an LLM and their tokens."""

    calls: int
    read: float
    written: float


def count_trainings(cells: Sequence[Settings]) -> int:
    """One a cell, and one opponent for each set of settings that the opponent shares with its cells."""
    shared = ("size", "slack", "weights", "budget")
    return len(cells) + len({tuple(cell[name] for name in shared) for cell in cells})


def estimate_tokens_read(cell: Settings, finetune: Settings, facts: DataSize) -> float:
    """Tokens that one training of the cell's size reads, if its rows are as long as the pool's."""
    rows = cell["size"] if cell["budget"] == "rows" else cell["size"] / facts.response_tokens
    return float(finetune["epochs"] * rows * min(_row(facts), finetune["max_length"]))


def estimate_judge_calls(judge: Settings, facts: DataSize) -> dict[str, LlmCalls]:
    """Calls of one cell, by protocol; a judge that needs no LLM has none."""
    found = {}
    for protocol in (name for name in ("alpaca-eval", "arena-hard") if name in judge["engines"]):
        asked = {
            name: count
            for name, count in facts.prompts.items()
            if judge["scope"] == "all" or name.replace("_", "-").startswith(protocol)
        }
        pairs = sum(asked.values()) * ("opponent" in judge["against"])
        pairs += sum(count for name, count in asked.items() if name in facts.with_baseline) * (
            "baseline" in judge["against"]
        )
        orders = 2 if protocol == "arena-hard" or judge["orders"] == "both" else 1
        calls = pairs * orders * judge["repeats"]
        reply = 1 if protocol == "alpaca-eval" else min(VERDICT_REPLY_TOKENS, judge["reply_tokens"])
        read = TEMPLATE_TOKENS[protocol] + facts.instruction_tokens + 2 * facts.response_tokens
        found[protocol] = LlmCalls(calls, calls * read, calls * reply)
    return found


def estimate_llm_calls(settings: Settings, facts: DataSize, cells: int) -> dict[str, LlmCalls]:
    """Calls of the whole grid, by stage or protocol."""
    found = {}
    if settings["respond"]["engine"] != "keep":
        read = TEMPLATE_TOKENS["respond"] + facts.instruction_tokens
        reply = min(facts.response_tokens, settings["respond"]["reply_tokens"])
        found["respond"] = LlmCalls(facts.rows, facts.rows * read, facts.rows * reply)
    if settings["tag"]["engine"] != "phrases":
        texts = facts.rows * (facts.instruction_tokens + facts.response_tokens)
        reply = min(TAG_REPLY_TOKENS, settings["tag"]["reply_tokens"])
        calls = SIDE_COUNT * facts.rows
        found["tag"] = LlmCalls(calls, calls * TEMPLATE_TOKENS["tag"] + texts, calls * reply)
    for protocol, one in estimate_judge_calls(settings["judge"], facts).items():
        found[protocol] = LlmCalls(cells * one.calls, cells * one.read, cells * one.written)
    return found


def estimate_costs(
    settings: Settings,
    cells: Sequence[Settings],
    facts: DataSize,
    shape: LlamaShape,
    gpu: Gpu,
    utilisation: float,
    tokens_per_second: float | None,
) -> dict[str, float]:
    """Hours are of one GPU, bytes are bytes. `utilisation`, 0..1, is the share of the GPU's peak that is reached, of
    operations in training and of memory traffic in answering; a measured `tokens_per_second` replaces it in training.
    """
    tune, generate = settings["finetune"], settings["generate"]
    method, rank, dtype = tune["method"], tune["lora_rank"], tune["dtype"]
    each = [estimate_tokens_read(cell, tune, facts) for cell in cells]
    opponents = count_trainings(cells) - len(cells)
    tokens = sum(each) * (1 + opponents / len(cells))
    speed = gpu.flops * utilisation / estimate_training_flops(shape, method, rank, 1)
    answering = estimate_answering_seconds(
        shape,
        generate["dtype"],
        gpu,
        prompts=sum(facts.prompts.values()),
        batch=generate["batch_size"],
        prompt_tokens=facts.instruction_tokens,
        answer_tokens=min(facts.response_tokens, generate["max_new_tokens"]),
    )
    models = count_trainings(cells)
    return {
        "cells": len(cells),
        "trainings": models,
        "tokens_a_training": tokens / models,
        "training_tokens": tokens,
        "training_hours": tokens / (tokens_per_second or speed) / 3600,
        "tokens_a_second": tokens_per_second or speed,
        "answers": (models + 1) * sum(facts.prompts.values()),
        "answering_hours": (models + 1) * answering / utilisation / 3600,
        "training_bytes": estimate_training_bytes(shape, method, rank, dtype),
        "least_gpus": -(-estimate_training_bytes(shape, method, rank, dtype) // gpu.memory),
        "checkpoint_bytes": estimate_checkpoint_bytes(shape, dtype),
        "checkpoints_bytes": models * estimate_checkpoint_bytes(shape, dtype),
        "vectors_bytes": float(SIDE_COUNT * facts.rows * VECTOR_BYTES),
        "token_bytes": 4.0 * facts.rows * _row(facts),
    }


def _row(facts: DataSize) -> float:
    return facts.instruction_tokens + facts.response_tokens
