"""The bill: every figure is told in a unit that can be read."""

import re

from m2m.planning.cost_model import DataSize, LlmCalls
from m2m.planning.cost_report import format_costs

FACTS = DataSize(1000, 100, 400, {"alpaca_eval": 805, "own": 10}, frozenset())
COSTS = {
    "cells": 42,
    "trainings": 43,
    "training_tokens": 4.3e8,
    "tokens_a_training": 1e7,
    "training_hours": 12.34,
    "tokens_a_second": 9784,
    "answers": 35_860,
    "answering_hours": 0.05,
    "training_bytes": 107.8e9,
    "least_gpus": 2,
    "checkpoint_bytes": 27e9,
    "checkpoints_bytes": 1.16e12,
    "vectors_bytes": 3.6e8,
    "token_bytes": 2.3e8,
}


def test_every_number_is_there_with_its_unit() -> None:
    text = "\n".join(
        format_costs(COSTS, {"respond": LlmCalls(117_000, 1.2e7, 5.9e7)}, FACTS, "H100 at 40% of its peak")
    )
    for told in (
        "43: one per cell, and 1 opponent\n",
        "430 M tokens, 10 M each; 12.3 GPU-hours at 9.78 k tokens/s",
        "take 108 GB: 2 or more GPUs",
        "35,860, to 815 prompts (alpaca_eval 805, own 10); 3.0 GPU-minutes (lower bound by memory traffic)",
        "H100 at 40% of its peak",
        "1.16 TB, 27 GB each",
        "360 MB and 230 MB",
        "117,000; 12 M prompt tokens, 59 M reply tokens",
    ):
        assert told in text


def test_lines_are_aligned() -> None:
    lines = format_costs(COSTS, {"tag": LlmCalls(1, 2, 3)}, FACTS, "H100")
    assert all(re.match(r"\S.{22} \S", line) for line in lines)
