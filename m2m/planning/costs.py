"""Tokens, parameters and a GPU → operations, seconds and bytes; plain arithmetic, bounds named so."""

from typing import Literal

from m2m.planning.gpus import Gpu
from m2m.planning.llama_shapes import LlamaShape, count_adapter_parameters, count_cache_bytes, count_parameters

Method = Literal["full", "lora"]
TrainingDtype = Literal["float32", "mixed", "bfloat16"]
BYTES_PER_WEIGHT = {"float32": 4, "mixed": 4, "bfloat16": 2}  # bytes a weight; mixed keeps weights in float32
ADAM_STATES = 2  # numbers that the optimizer keeps a trained parameter, beside its gradient


def estimate_training_flops(shape: LlamaShape, method: Method, rank: int, tokens: float) -> float:
    """Operations to train on `tokens`: 2 a parameter forward, 2 backward through it, 2 more for each that is trained.

    Kaplan et al. 2020, section 2.1; attention's own product is left out, as it is in the MFU of our trainings.
    """
    return (4.0 * count_parameters(shape) + 2.0 * count_trained_parameters(shape, method, rank)) * tokens


def count_trained_parameters(shape: LlamaShape, method: Method, rank: int) -> int:
    """Those with a gradient: all, or those of the adapters."""
    return count_parameters(shape) if method == "full" else count_adapter_parameters(shape, rank)


def estimate_training_bytes(shape: LlamaShape, method: Method, rank: int, dtype: TrainingDtype) -> float:
    """Weights, gradients and Adam's two moments, over all GPUs together; activations come on top.

    Adapters are float32 whatever the weights are.
    """
    trained = count_trained_parameters(shape, method, rank)
    width = BYTES_PER_WEIGHT[dtype] if method == "full" else 4
    held = count_parameters(shape) * BYTES_PER_WEIGHT[dtype] + (0 if method == "full" else trained * width)
    return float(held + (1 + ADAM_STATES) * trained * width)


def estimate_checkpoint_bytes(shape: LlamaShape, dtype: TrainingDtype) -> float:
    """A fine-tuned model on the disk; adapters are merged into the weights, so it is whole."""
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
    """At least so long: a token of a batch reads all weights, and the keys and values of what came before, once.

    Memory is what bounds it. Prompts are read in one pass, which is small beside it and left out.
    """
    width = BYTES_PER_WEIGHT[dtype]
    seen = batch * (prompt_tokens + answer_tokens / 2) * count_cache_bytes(shape, width)
    steps = -(-prompts // batch) * answer_tokens
    return steps * (count_parameters(shape) * width + seen) / gpu.bandwidth
