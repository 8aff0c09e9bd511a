"""Tokens, parameters and a GPU → operations, seconds and bytes; plain arithmetic, bounds named so."""

from typing import Literal

from m2m.planning.gpus import Gpu
from m2m.planning.llama_shapes import Shape, adapter_parameters, cache_bytes, parameters

Method = Literal["full", "lora"]
Dtype = Literal["float32", "mixed", "bfloat16"]
WIDTH = {"float32": 4, "mixed": 4, "bfloat16": 2}  # bytes a weight; mixed keeps weights in float32
ADAM = 2  # numbers that the optimizer keeps a trained parameter, beside its gradient


def training_flops(shape: Shape, method: Method, rank: int, tokens: float) -> float:
    """Operations to train on `tokens`: 2 a parameter forward, 2 backward through it, 2 more for each that is trained.

    Kaplan et al. 2020, section 2.1; attention's own product is left out, as it is in the MFU of our trainings.
    """
    return (4.0 * parameters(shape) + 2.0 * trained_parameters(shape, method, rank)) * tokens


def trained_parameters(shape: Shape, method: Method, rank: int) -> int:
    """Those with a gradient: all, or those of the adapters."""
    return parameters(shape) if method == "full" else adapter_parameters(shape, rank)


def training_bytes(shape: Shape, method: Method, rank: int, dtype: Dtype) -> float:
    """Weights, gradients and Adam's two moments, over all GPUs together; activations come on top.

    Adapters are float32 whatever the weights are.
    """
    trained = trained_parameters(shape, method, rank)
    width = WIDTH[dtype] if method == "full" else 4
    held = parameters(shape) * WIDTH[dtype] + (0 if method == "full" else trained * width)
    return float(held + (1 + ADAM) * trained * width)


def checkpoint_bytes(shape: Shape, dtype: Dtype) -> float:
    """A fine-tuned model on the disk; adapters are merged into the weights, so it is whole."""
    return float(parameters(shape) * WIDTH[dtype])


def answering_seconds(
    shape: Shape, dtype: Dtype, gpu: Gpu, *, prompts: int, batch: int, prompt_tokens: float, answer_tokens: float
) -> float:
    """At least so long: a token of a batch reads all weights, and the keys and values of what came before, once.

    Memory is what bounds it. Prompts are read in one pass, which is small beside it and left out.
    """
    width = WIDTH[dtype]
    seen = batch * (prompt_tokens + answer_tokens / 2) * cache_bytes(shape, width)
    steps = -(-prompts // batch) * answer_tokens
    return steps * (parameters(shape) * width + seen) / gpu.bandwidth
