"""Costs: known answers on round numbers."""

import pytest

from m2m.planning.costs import (
    count_trained_parameters,
    estimate_answering_seconds,
    estimate_checkpoint_bytes,
    estimate_training_bytes,
    estimate_training_flops,
)
from m2m.planning.gpus import GPUS, Gpu
from m2m.planning.llama_shapes import PUBLISHED_SHAPES, count_adapter_parameters, count_parameters

SEVEN = PUBLISHED_SHAPES["meta-llama/Llama-2-7b-hf"]
N = count_parameters(SEVEN)


def test_full_training_costs_six_operations_a_parameter_and_token():
    assert estimate_training_flops(SEVEN, "full", 16, 10) == 60 * N


def test_adapters_save_the_gradients_of_the_frozen_weights():
    adapters = count_adapter_parameters(SEVEN, 16)
    assert estimate_training_flops(SEVEN, "lora", 16, 10) == 40 * N + 20 * adapters
    assert count_trained_parameters(SEVEN, "lora", 16) == adapters


@pytest.mark.parametrize(("dtype", "bytes_each"), [("float32", 16), ("mixed", 16), ("bfloat16", 8)])
def test_full_training_holds_weight_gradient_and_two_moments(dtype, bytes_each):
    assert estimate_training_bytes(SEVEN, "full", 16, dtype) == bytes_each * N


def test_lora_holds_frozen_weights_and_float32_adapters():
    assert estimate_training_bytes(SEVEN, "lora", 16, "bfloat16") == 2 * N + 16 * count_adapter_parameters(SEVEN, 16)


def test_a_checkpoint_is_the_weights():
    assert estimate_checkpoint_bytes(SEVEN, "bfloat16") == 2 * N and estimate_checkpoint_bytes(SEVEN, "mixed") == 4 * N


def test_one_token_after_an_empty_prompt_reads_the_weights_once_a_batch():
    gpu = Gpu(1.0, 2.0 * N, 1.0)  # reads the bfloat16 weights in a second
    told = {"batch": 10, "prompt_tokens": 0, "answer_tokens": 1e-9}
    ten = estimate_answering_seconds(SEVEN, "bfloat16", gpu, prompts=10, **told)
    assert ten == pytest.approx(1e-9)
    assert estimate_answering_seconds(SEVEN, "bfloat16", gpu, prompts=11, **told) == pytest.approx(2 * ten)


def test_longer_contexts_are_slower_to_answer():
    told = {"prompts": 8, "batch": 8, "answer_tokens": 100}
    short, long = (
        estimate_answering_seconds(SEVEN, "bfloat16", GPUS["h100"], prompt_tokens=n, **told) for n in (10, 4000)
    )
    assert long > 2 * short
