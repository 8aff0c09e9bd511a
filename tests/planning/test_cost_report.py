"""The bill: every figure is told in a unit that can be read, and what is not known is named."""

import re

from m2m.planning.cost_model import DataSize, LlmCalls
from m2m.planning.cost_report import (
    Prices,
    format_calls,
    format_hours,
    format_table,
    format_total,
    format_work,
    list_assumptions,
)

FACTS = DataSize(1000, 100, 400, {"alpaca_eval": 805, "own": 10}, frozenset())
WORK = {
    "cells": 42,
    "trainings": 43,
    "training_tokens": 4.3e8,
    "tokens_a_training": 1e7,
    "base_tokens": 700_000,
    "answers": 35_860,
    "vectors_bytes": 3.6e8,
    "token_bytes": 2.3e8,
}
HOURS = {
    "training_hours": 12.34,
    "base_hours": 0.0,
    "answering_hours": 0.05,
    "hours": 12.39,
    "tokens_a_second": 9784,
    "training_bytes": 107.8e9,
    "least_gpus": 2,
    "checkpoint_bytes": 27e9,
    "checkpoints_bytes": 1.16e12,
}
CALLS = {"respond": LlmCalls(117_000, 1.2e7, 5.9e7), "tag": LlmCalls(1000, 1e6, 0)}


def test_every_number_is_there_with_its_unit() -> None:
    text = "\n".join(
        format_table(format_work(WORK, FACTS) | format_hours(HOURS, "GPU") | format_calls(CALLS) | list_assumptions())
    )
    for told in (
        "43: one per cell, and 1 opponent\n",
        "430 M tokens, 10 M each\n",
        "base training           700 k tokens, once",
        "12.4 GPU-hours: training 12.3 GPU-hours, answers, a lower bound 3.0 GPU-minutes\n",
        "9.78 k tokens/s in training",
        "take 108 GB: 2 or more GPUs",
        "35,860, to 815 prompts (alpaca_eval 805, own 10)",
        "1.16 TB, 27 GB each",
        "360 MB and 230 MB",
        "117,000; 12 M prompt tokens, 59 M reply tokens",
    ):
        assert told in text, told


def test_a_cpu_has_cpu_hours_and_counts_no_gpus() -> None:
    lines = format_hours(HOURS | {"base_hours": 0.2}, "CPU")
    assert lines["hours"].startswith("12.4 CPU-hours: training 12.3 CPU-hours, base 0.2 CPU-hours, ")
    assert "GPU" not in " ".join(lines.values()).replace("CPU", "")


def test_a_base_that_is_not_trained_has_no_line() -> None:
    assert "base training" not in format_work(WORK | {"base_tokens": 0}, FACTS)
    assert format_calls({}) == {"LLM calls": "none"}


def test_the_total_is_hours_calls_and_money() -> None:
    """12.5 hours at 2.5 are 31.25; 72 million tokens at 0.4 are 28.80."""
    assert format_total(12.5, CALLS, Prices(2.5, 0.4), "GPU") == {
        "total": "12.5 GPU-hours, 118,000 LLM calls with 72 M tokens; 60.05 in the currency of the prices"
    }
    only_hours = format_total(12.5, CALLS, Prices(2.5, None), "GPU")["total"]
    assert only_hours.endswith("; 31.25 in the currency of the prices, without the LLM")
    only_llm = format_total(12.5, CALLS, Prices(None, 0.4), "GPU")["total"]
    assert only_llm.endswith("; 28.80 in the currency of the prices, without the hours")
    assert format_total(12.5, {}, Prices(None, None), "GPU") == {"total": "12.5 GPU-hours"}


def test_unknown_hours_are_named_and_not_counted_as_none() -> None:
    total = format_total(None, CALLS, Prices(2.5, 0.4), "GPU")["total"]
    assert total.startswith("hours unknown (the model's size is not known), 118,000 LLM calls")
    assert total.endswith("; 28.80 in the currency of the prices, without the hours")


def test_lines_are_aligned() -> None:
    assert all(re.match(r"\S.{22} \S", line) for line in format_table(format_work(WORK, FACTS)))
