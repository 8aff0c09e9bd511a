"""The plan's arithmetic: known answers on round numbers."""

from typing import Any

import pytest

from m2m.planning.cost_model import (
    DataSize,
    LlmCalls,
    count_trained_parameters,
    count_trainings,
    count_work,
    estimate_answering_seconds,
    estimate_checkpoint_bytes,
    estimate_hours,
    estimate_judge_calls,
    estimate_llm_calls,
    estimate_tokens_read,
    estimate_training_bytes,
    estimate_training_flops,
)
from m2m.planning.gpus import GPUS, Gpu, describe_cpu
from m2m.planning.llama_shapes import PUBLISHED_SHAPES, count_adapter_parameters, count_parameters

FACTS = DataSize(
    1000, 100, 400, {"alpaca_eval": 800, "arena_hard": 500, "own": 10}, frozenset({"alpaca_eval", "arena_hard"})
)
CELL = {"strategy": "random", "size": 100, "slack": 1.5, "weights": "uniform", "budget": "rows", "seed": 1}
TUNE = {"epochs": 2, "max_length": 2048, "method": "full", "lora_rank": 16, "dtype": "bfloat16"}
JUDGE = {
    "engines": ["likelihood", "alpaca-eval", "arena-hard"],
    "against": ["opponent", "baseline"],
    "scope": "own",
    "orders": "published",
    "repeats": 1,
    "reply_tokens": 4096,
}
SETTINGS: dict[str, Any] = {
    "base": {"name": "meta-llama/Llama-2-7b-hf", "train_tokens": 700_000},
    "respond": {"engine": "keep", "reply_tokens": 1024},
    "tag": {"engine": "phrases", "reply_tokens": 200},
    "judge": JUDGE,
    "finetune": TUNE,
    "generate": {"dtype": "bfloat16", "batch_size": 32, "max_new_tokens": 300},
}
SHAPE = PUBLISHED_SHAPES["meta-llama/Llama-2-7b-hf"]


def estimate(cells: Any, gpu: Gpu, share: float, speed: float | None = None, **changes: Any) -> dict[str, float]:
    settings = SETTINGS | changes
    work = count_work(settings, cells, FACTS)
    return work | estimate_hours(settings, work, FACTS, SHAPE, gpu, share, speed)


def test_cells_of_one_size_share_one_opponent() -> None:
    cells = [CELL | {"seed": seed} for seed in range(5)]
    assert count_trainings(cells) == 6
    assert count_trainings([*cells, CELL | {"size": 200}, CELL | {"weights": "inverse"}]) == 10


@pytest.mark.parametrize(
    ("cell", "tune", "tokens"),
    [
        ({}, {}, 2 * 100 * 500),
        ({}, {"max_length": 300}, 2 * 100 * 300),
        ({"budget": "tokens", "size": 4000}, {}, 2 * 10 * 500),  # ten responses of 400 tokens
    ],
)
def test_a_training_reads_each_row_up_to_its_limit_once_an_epoch(cell: Any, tune: Any, tokens: Any) -> None:
    assert estimate_tokens_read(CELL | cell, TUNE | tune, FACTS) == tokens


@pytest.mark.parametrize(
    ("change", "alpaca", "arena"),
    [
        ({}, 1600, 2000),  # against two; arena-hard plays both orders
        ({"orders": "both"}, 3200, 2000),
        ({"repeats": 3}, 4800, 6000),
        ({"against": ["opponent"]}, 800, 1000),
        ({"scope": "all"}, 1310 + 1300, 2 * (1310 + 1300)),  # of the held-out prompts none has a baseline
        ({"scope": "all", "against": ["baseline"]}, 1300, 2600),
    ],
)
def test_every_game_is_one_call(change: Any, alpaca: Any, arena: Any) -> None:
    found = estimate_judge_calls(JUDGE | change, FACTS)
    assert {name: one.calls for name, one in found.items()} == {"alpaca-eval": alpaca, "arena-hard": arena}


def test_a_benchmark_is_its_protocols_own_however_it_is_spelt() -> None:
    facts = FACTS._replace(prompts={"alpaca-eval": 800}, with_baseline=frozenset())
    assert estimate_judge_calls(JUDGE, facts)["alpaca-eval"].calls == 800


def test_an_alpaca_eval_verdict_is_one_token_and_reads_both_answers() -> None:
    found = estimate_judge_calls(JUDGE, FACTS)["alpaca-eval"]
    assert found.reply_tokens == found.calls and found.prompt_tokens == found.calls * (200 + 100 + 2 * 400)


def test_judges_and_teachers_that_need_no_llm_cost_no_call() -> None:
    assert estimate_judge_calls(JUDGE | {"engines": ["likelihood", "similarity"]}, FACTS) == {}
    assert estimate_llm_calls(SETTINGS | {"judge": JUDGE | {"engines": ["likelihood"]}}, FACTS, 40) == {}


def test_the_teacher_answers_every_row_and_the_tagger_reads_both_sides() -> None:
    settings = SETTINGS | {"respond": {"engine": "endpoint", "reply_tokens": 1024}}
    settings |= {"tag": {"engine": "endpoint", "reply_tokens": 200}}
    found = estimate_llm_calls(settings, FACTS, 10)
    assert found["respond"] == LlmCalls(1000, 1000 * 150, 1000 * 400)
    assert found["tag"] == LlmCalls(2000, 2000 * 170 + 1000 * 500, 2000 * 40)
    assert found["alpaca-eval"].calls == 16_000


def test_hours_follow_from_operations_and_the_share_of_the_peak() -> None:
    cells = [CELL | {"seed": seed} for seed in range(4)]
    found = estimate(cells, GPUS["h100"], 0.4)
    assert found["training_tokens"] == 5 * 100_000
    operations = estimate_training_flops(SHAPE, "full", 16, 500_000)
    assert found["training_hours"] == pytest.approx(operations / (0.4 * 989e12) / 3600)
    assert found["answers"] == 6 * 1310  # the base model answers too
    twice = estimate(cells, GPUS["h100"], 0.8)
    for name in ("training_hours", "answering_hours"):
        assert twice[name] == pytest.approx(found[name] / 2)


def test_a_measured_speed_counts_in_place_of_the_peak() -> None:
    found = estimate([CELL], GPUS["h100"], 0.4, 1000.0)
    assert found["training_hours"] == 200_000 / 1000 / 3600


def test_bytes_are_those_of_weights_and_tables() -> None:
    found = estimate([CELL], GPUS["h100"], 0.4)
    assert found["checkpoints_bytes"] == 2 * 2 * 6_738_415_616
    assert found["least_gpus"] == 1 and found["training_bytes"] == 8 * 6_738_415_616
    mixed = estimate([CELL], GPUS["h100"], 0.4, finetune=TUNE | {"dtype": "mixed"})
    assert mixed["least_gpus"] == 2
    assert found["vectors_bytes"] == 2 * 1000 * 384 * 4 and found["token_bytes"] == 4 * 1000 * 500


SEVEN = PUBLISHED_SHAPES["meta-llama/Llama-2-7b-hf"]
N = count_parameters(SEVEN)


def test_full_training_costs_six_operations_a_parameter_and_token() -> None:
    assert estimate_training_flops(SEVEN, "full", 16, 10) == 60 * N


def test_adapters_save_the_gradients_of_the_frozen_weights() -> None:
    adapters = count_adapter_parameters(SEVEN, 16)
    assert estimate_training_flops(SEVEN, "lora", 16, 10) == 40 * N + 20 * adapters
    assert count_trained_parameters(SEVEN, "lora", 16) == adapters


@pytest.mark.parametrize(("dtype", "bytes_each"), [("float32", 16), ("mixed", 16), ("bfloat16", 8)])
def test_full_training_holds_weight_gradient_and_two_moments(dtype: Any, bytes_each: Any) -> None:
    assert estimate_training_bytes(SEVEN, "full", 16, dtype) == bytes_each * N


def test_lora_holds_frozen_weights_and_float32_adapters() -> None:
    assert estimate_training_bytes(SEVEN, "lora", 16, "bfloat16") == 2 * N + 16 * count_adapter_parameters(SEVEN, 16)


def test_a_checkpoint_is_the_weights() -> None:
    assert estimate_checkpoint_bytes(SEVEN, "bfloat16") == 2 * N and estimate_checkpoint_bytes(SEVEN, "mixed") == 4 * N


def test_one_token_after_an_empty_prompt_reads_the_weights_once_a_batch() -> None:
    gpu = Gpu("", 1e30, 2.0 * N, 1.0)  # reads the bfloat16 weights in a second
    told: dict[str, Any] = {"batch": 10, "prompt_tokens": 0, "answer_tokens": 1e-9}
    ten = estimate_answering_seconds(SEVEN, "bfloat16", gpu, prompts=10, **told)
    assert ten == pytest.approx(1e-9)
    assert estimate_answering_seconds(SEVEN, "bfloat16", gpu, prompts=11, **told) == pytest.approx(2 * ten)


def test_a_slow_device_is_bound_by_its_operations() -> None:
    """Two operations a weight and answer, ten answers at once: a second at 20 · N operations a second."""
    gpu = Gpu("", 20.0 * N, 1e30, 1.0)
    seconds = estimate_answering_seconds(SEVEN, "bfloat16", gpu, prompts=10, batch=10, prompt_tokens=0, answer_tokens=1)
    assert seconds == pytest.approx(1.0)


def test_a_base_that_is_trained_here_is_counted_once() -> None:
    scratch = SETTINGS["base"] | {"name": "scratch"}
    found, none = estimate([CELL], GPUS["h100"], 0.4, base=scratch), estimate([CELL], GPUS["h100"], 0.4)
    assert (found["base_tokens"], none["base_tokens"]) == (700_000, 0)
    operations = estimate_training_flops(SHAPE, "full", 16, 700_000)
    assert found["base_hours"] == pytest.approx(operations / (0.4 * 989e12) / 3600) and none["base_hours"] == 0
    assert found["hours"] == found["training_hours"] + found["base_hours"] + found["answering_hours"]


def test_a_cpu_is_as_fast_as_its_cores() -> None:
    two, four = (estimate([CELL], describe_cpu(cores, 24e9), 1.0) for cores in (2, 4))
    assert two["training_hours"] == pytest.approx(2 * four["training_hours"])
    assert two["training_hours"] == pytest.approx(estimate_training_flops(SHAPE, "full", 16, 200_000) / 4e10 / 3600)


def test_longer_contexts_are_slower_to_answer() -> None:
    told: dict[str, Any] = {"prompts": 8, "batch": 8, "answer_tokens": 100}
    short, long = (
        estimate_answering_seconds(SEVEN, "bfloat16", GPUS["h100"], prompt_tokens=n, **told) for n in (10, 4000)
    )
    assert long > 2 * short
