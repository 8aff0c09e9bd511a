"""Estimates the costs of a grid: trainings, hours, LLM calls and bytes, from settings and the data's size."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from m2m.planning.gpus import Gpu, estimate_token_flops
from m2m.planning.llama_shapes import LlamaShape, count_adapter_parameters, count_cache_bytes, count_parameters

Settings = Mapping[str, Any]
Method = Literal["full", "lora"]
TrainingDtype = Literal["float32", "mixed", "bfloat16"]
BYTES_PER_WEIGHT = {"float32": 4, "mixed": 4, "bfloat16": 2}  # mixed keeps its weights in float32
ADAM_STATES = 2  # numbers that the optimizer keeps for a trained parameter, beside its gradient
# tokens of our prompt templates (4/3 of their words), and of a reply whose limit is far above its usual length
TEMPLATE_TOKENS = {"respond": 50, "tag": 170, "alpaca-eval": 200, "arena-hard": 360}
TAG_REPLY_TOKENS, VERDICT_REPLY_TOKENS = 40, 600
SIDE_COUNT = 2
VECTOR_BYTES = 384 * 4  # all-MiniLM-L6-v2, float32


class DataSize(NamedTuple):
    """The size of the data, counted from the tables of a run or estimated from the settings."""

    rows: int  # of the pool
    instruction_tokens: float  # a row
    response_tokens: float  # a row
    prompts: Mapping[str, int]  # by benchmark
    with_baseline: frozenset[str]  # benchmarks whose prompts come with a baseline's answers

    @property
    def tokens_per_row(self) -> float:
        """Instruction and response."""
        return self.instruction_tokens + self.response_tokens


class LlmCalls(NamedTuple):
    """Requests to an LLM and their tokens."""

    calls: int
    prompt_tokens: float
    reply_tokens: float


def count_trainings(cells: Sequence[Settings]) -> int:
    """One training a cell, and one opponent for each group of cells that shares it."""
    shared = ("size", "slack", "weights", "budget")
    return len(cells) + len({tuple(cell[name] for name in shared) for cell in cells})


def estimate_tokens_read(cell: Settings, finetune: Settings, data: DataSize) -> float:
    """Tokens that one training of the cell's size reads, if its rows are as long as the pool's."""
    rows = cell["size"] if cell["budget"] == "rows" else cell["size"] / data.response_tokens
    return float(finetune["epochs"] * rows * min(data.tokens_per_row, finetune["max_length"]))


def estimate_judge_calls(judge: Settings, data: DataSize) -> dict[str, LlmCalls]:
    """LLM calls of one cell by protocol; none for judges that need no LLM."""
    calls = {}
    for protocol in (name for name in ("alpaca-eval", "arena-hard") if name in judge["engines"]):
        prompts = {
            name: count
            for name, count in data.prompts.items()
            if judge["scope"] == "all" or name.replace("_", "-").startswith(protocol)
        }
        pairs = sum(prompts.values()) * ("opponent" in judge["against"])
        if "baseline" in judge["against"]:
            pairs += sum(count for name, count in prompts.items() if name in data.with_baseline)
        orders = 2 if protocol == "arena-hard" or judge["orders"] == "both" else 1
        count = pairs * orders * judge["repeats"]
        reply = 1 if protocol == "alpaca-eval" else min(VERDICT_REPLY_TOKENS, judge["reply_tokens"])
        prompt = TEMPLATE_TOKENS[protocol] + data.instruction_tokens + 2 * data.response_tokens
        calls[protocol] = LlmCalls(count, count * prompt, count * reply)
    return calls


def estimate_llm_calls(settings: Settings, data: DataSize, cells: int) -> dict[str, LlmCalls]:
    """LLM calls of the whole grid, by stage or protocol."""
    calls = {}
    if settings["respond"]["engine"] != "keep":
        prompt = TEMPLATE_TOKENS["respond"] + data.instruction_tokens
        reply = min(data.response_tokens, settings["respond"]["reply_tokens"])
        calls["respond"] = LlmCalls(data.rows, data.rows * prompt, data.rows * reply)
    if settings["tag"]["engine"] != "phrases":
        count = SIDE_COUNT * data.rows
        reply = min(TAG_REPLY_TOKENS, settings["tag"]["reply_tokens"])
        prompt_tokens = count * TEMPLATE_TOKENS["tag"] + data.rows * data.tokens_per_row
        calls["tag"] = LlmCalls(count, prompt_tokens, count * reply)
    for protocol, cell in estimate_judge_calls(settings["judge"], data).items():
        calls[protocol] = LlmCalls(cells * cell.calls, cells * cell.prompt_tokens, cells * cell.reply_tokens)
    return calls


def count_work(settings: Settings, cells: Sequence[Settings], data: DataSize) -> dict[str, float]:
    """What has to be done, by name, whatever the model: trainings, tokens, answers, and bytes of vectors and tokens."""
    trainings, prompts = count_trainings(cells), sum(data.prompts.values())
    tokens = sum(estimate_tokens_read(cell, settings["finetune"], data) for cell in cells) * trainings / len(cells)
    return {
        "cells": len(cells),
        "trainings": trainings,
        "tokens_a_training": tokens / trainings,
        "training_tokens": tokens,
        "base_tokens": settings["base"]["train_tokens"] if settings["base"]["name"] == "scratch" else 0,
        "answers": (trainings + 1) * prompts,
        "vectors_bytes": float(SIDE_COUNT * data.rows * VECTOR_BYTES),
        "token_bytes": 4.0 * data.rows * data.tokens_per_row,
    }


def estimate_hours(
    settings: Settings,
    work: Mapping[str, float],
    data: DataSize,
    shape: LlamaShape,
    gpu: Gpu,
    utilisation: float,
    tokens_per_second: float | None,
) -> dict[str, float]:
    """Hours of one GPU, and bytes, by name; `work` as from `count_work`.

    `utilisation`, 0..1, is the share of the GPU's peak that is reached: of operations in training, of memory traffic in
    answering. A measured `tokens_per_second` replaces it in training.
    """
    tune, generate = settings["finetune"], settings["generate"]
    method, rank, dtype = tune["method"], tune["lora_rank"], tune["dtype"]
    reached = gpu.flops * utilisation
    speed = tokens_per_second or reached / estimate_training_flops(shape, method, rank, 1)
    answering = estimate_answering_seconds(
        shape,
        generate["dtype"],
        gpu,
        prompts=sum(data.prompts.values()),
        batch=generate["batch_size"],
        prompt_tokens=data.instruction_tokens,
        answer_tokens=min(data.response_tokens, generate["max_new_tokens"]),
    )
    memory = estimate_training_bytes(shape, method, rank, dtype)
    hours = {
        "training_hours": work["training_tokens"] / speed / 3600,
        "base_hours": estimate_training_flops(shape, "full", 0, work["base_tokens"]) / reached / 3600,
        "answering_hours": (work["trainings"] + 1) * answering / utilisation / 3600,
    }
    return hours | {
        "hours": sum(hours.values()),
        "tokens_a_second": speed,
        "training_bytes": memory,
        "least_gpus": -(-memory // gpu.memory),
        "checkpoint_bytes": estimate_checkpoint_bytes(shape, dtype),
        "checkpoints_bytes": work["trainings"] * estimate_checkpoint_bytes(shape, dtype),
    }


def estimate_training_flops(shape: LlamaShape, method: Method, rank: int, tokens: float) -> float:
    """Operations to train on `tokens` (gpus.estimate_token_flops)."""
    return estimate_token_flops(count_parameters(shape), count_trained_parameters(shape, method, rank)) * tokens


def count_trained_parameters(shape: LlamaShape, method: Method, rank: int) -> int:
    """Parameters with a gradient: all, or those of the adapters."""
    return count_parameters(shape) if method == "full" else count_adapter_parameters(shape, rank)


def estimate_training_bytes(shape: LlamaShape, method: Method, rank: int, dtype: TrainingDtype) -> float:
    """Weights, gradients and Adam's two moments, over all GPUs together, without activations.

    Adapters are float32 whatever the weights are.
    """
    trained = count_trained_parameters(shape, method, rank)
    width = BYTES_PER_WEIGHT[dtype] if method == "full" else 4
    weights = count_parameters(shape) * BYTES_PER_WEIGHT[dtype] + (0 if method == "full" else trained * width)
    return float(weights + (1 + ADAM_STATES) * trained * width)


def estimate_checkpoint_bytes(shape: LlamaShape, dtype: TrainingDtype) -> float:
    """A fine-tuned model on disk; adapters are merged into the weights, so it is whole."""
    return float(count_parameters(shape) * BYTES_PER_WEIGHT[dtype])


def estimate_answering_seconds(
    shape: LlamaShape,
    dtype: TrainingDtype,
    gpu: Gpu,
    *,
    prompts: int,
    batch: int,
    prompt_tokens: float,
    answer_tokens: float,
) -> float:
    """A lower bound: each token of a batch reads all weights and the cached keys and values, and uses the weights.

    Memory traffic is the slower on a GPU, the two operations a weight on a CPU. Reading the prompts takes one pass,
    which is small and left out.
    """
    width = BYTES_PER_WEIGHT[dtype]
    cache = batch * (prompt_tokens + answer_tokens / 2) * count_cache_bytes(shape, width)
    steps = -(-prompts // batch) * answer_tokens
    traffic = (count_parameters(shape) * width + cache) / gpu.bandwidth
    return steps * max(traffic, 2 * batch * count_parameters(shape) / gpu.flops)
