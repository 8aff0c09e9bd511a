"""Estimates the peak memory of a training: weights, gradients, Adam, activations and logits; proposes accumulation."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64

from m2m.planning.cost_model import (
    ADAM_STATES,
    BYTES_PER_WEIGHT,
    Method,
    TrainingDtype,
    count_trained_parameters,
)
from m2m.planning.llama_shapes import LlamaShape, count_parameters

# Bytes that a layer keeps for its backward pass, for each token: (a number of the hidden width, of the MLP's width).
# Read from transformers' LlamaDecoderLayer: two norms, each with its input, quotient and output; queries, keys and
# values of all heads and their mixture, twice; gate, its activation, up, and their product.
KEPT_BYTES = {"float32": (44, 16), "mixed": (30, 8), "bfloat16": (26, 8)}
# A logit, its log-probability, and the gradients of both, as cross-entropy keeps them at the turn of the passes.
LOGIT_BYTES = {"float32": 12, "mixed": 14, "bfloat16": 14}


class TrainingSetup(NamedTuple):
    """What a process trains and computes at once."""

    method: Method
    rank: int  # of adapters; for full training it says nothing
    dtype: TrainingDtype
    rows: int  # a micro-batch
    length: int  # tokens of its longest row; of packed rows their mean, in the longest micro-batch
    accumulate: int  # micro-batches a step
    checkpointing: bool  # activations are computed again in the backward pass
    processes: int  # that share weights, gradients and Adam's moments (FSDP)
    optimizer: str = "adamw"  # adamw-8bit: a moment is one byte, an embedding's four (transformers asks for 32 bits)
    kernels: str = "none"  # liger: as many logits at once as hidden states have numbers


class TrainingMemory(NamedTuple):
    """Bytes of one process by what they hold; `peak` is below their sum, since not all are held at once."""

    weights: float  # with their bfloat16 copies in mixed arithmetic
    adam: float
    gradients: float
    activations: float
    logits: float
    peak: float


def estimate_memory(shape: LlamaShape, setup: TrainingSetup) -> TrainingMemory:
    """The bytes of one process.

    At the turn of the passes all activations and the logits are held, and the gradients of earlier micro-batches; at
    the end of the backward pass the gradients alone. Measured in docs/results/training-memory.md.
    """
    method, rank, dtype, rows, length, accumulate, checkpointing, processes, optimizer, kernels = setup
    parameters, trained = count_parameters(shape), count_trained_parameters(shape, method, rank)
    width = BYTES_PER_WEIGHT[dtype] if method == "full" else 4
    weights = parameters * BYTES_PER_WEIGHT[dtype] + (0 if method == "full" else trained * width)
    copies = 2 * parameters if dtype == "mixed" else 0
    is_small = optimizer == "adamw-8bit"
    wide = shape.vocab * shape.hidden * (method == "full") if is_small else 0  # embeddings, of which see TrainingSetup
    moment = trained - wide + 4 * wide if is_small else trained * width
    gradients, adam = trained * width / processes, ADAM_STATES * moment / processes
    tokens = rows * length
    hidden, intermediate = KEPT_BYTES[dtype]
    layer = tokens * (hidden * shape.hidden + intermediate * shape.intermediate)
    inputs = shape.layers * tokens * shape.hidden * BYTES_PER_WEIGHT[dtype]
    activations = inputs + layer if checkpointing and shape.layers > 1 else shape.layers * layer
    logits = tokens * (shape.hidden if kernels == "liger" else shape.vocab) * LOGIT_BYTES[dtype]
    turn = activations + logits + (gradients if accumulate > 1 else 0)
    held = weights / processes + copies
    return TrainingMemory(held, adam, gradients, activations, logits, held + adam + max(turn, gradients))


def propose_accumulate(shape: LlamaShape, setup: TrainingSetup, available: float) -> int | None:
    """The least `accumulate` with which a step of as many rows fits in `available` bytes; None where no row fits."""
    rows_a_step = setup.rows * setup.accumulate
    for accumulate in (number for number in range(1, rows_a_step + 1) if rows_a_step % number == 0):
        smaller = setup._replace(rows=rows_a_step // accumulate, accumulate=accumulate)
        if count_fitting(estimate_memory(shape, smaller).peak, available):
            return accumulate
    return None


def count_fitting(peak: float, available: float) -> int:
    """How many trainings of `peak` bytes fit at once; a tenth is kept free for what the estimate leaves out.

    >>> count_fitting(24e9, 80e9), count_fitting(24.1e9, 80e9)
    (3, 2)
    """
    return int(0.9 * available / peak)


def describe_memory(shape: LlamaShape, setup: TrainingSetup, available: float, rows: str = "") -> str:
    """The peak with its parts in GB, what there is, and the `accumulate` that fits, in words.

    `rows` says which rows it is planned for, where that is not clear.
    """
    memory = estimate_memory(shape, setup)
    parts = ", ".join(
        f"{name} {size / 1e9:.2g}" for name, size in zip(TrainingMemory._fields[:-1], memory[:-1], strict=True)
    )
    sentence = (
        f"{memory.peak / 1e9:.3g} GB at most ({parts}; {setup.rows} rows × {setup.length:,} tokens × {shape.vocab:,} "
        f"types at once{rows and ', '}{rows}), of {available / 1e9:.3g} GB"
    )
    accumulate = propose_accumulate(shape, setup, available)
    if accumulate is None:
        return f"{sentence}: not one row fits. Lower finetune.max_length, or set finetune.method to lora"
    if accumulate > setup.accumulate:
        return f"{sentence}: set finetune.accumulate to {accumulate}"
    return sentence


def plan_setup(tune: Mapping[str, Any], processes: int, sharing: int) -> TrainingSetup:
    """What each of `processes` trains, by the block finetune of params.yaml, with every row as long as max_length."""
    return TrainingSetup(
        tune["method"],
        tune["lora_rank"],
        tune["dtype"],
        max(1, tune["batch_size"] // (processes * tune["accumulate"])),
        tune["max_length"],
        tune["accumulate"],
        tune["gradient_checkpointing"] == "full",
        sharing,
        tune["optimizer"],
        tune["kernels"],
    )


def measure_packed_length(steps: Int64[np.ndarray, "steps batch_size"], rows: int) -> int:
    """Mean tokens of a row in the longest micro-batch of `rows`; `steps` has tokens, in each step the most first.

    >>> measure_packed_length(np.array([[9, 5, 1, 1], [8, 7, 2, 1]]), 2)
    8
    """
    return math.ceil(float(steps[:, :rows].sum(axis=1).max()) / rows)
