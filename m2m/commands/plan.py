"""Estimate the study's costs before it runs: trainings, GPU-hours, LLM calls, disk."""

from pathlib import Path
from typing import Literal


def main(
    *,
    gpu: Literal["a100", "h100", "h100-pcie", "h100-nvl", "h200", "b200", "l4", "l40s"] = "h100",
    mfu: float = 0.4,
    tokens_per_second: float | None = None,
    rows: int | None = None,
    instruction_tokens: float = 100,
    response_tokens: float = 500,
    quick: bool = False,
    full: bool = False,
) -> None:
    """Print what the grid of params.yaml costs, and which cells exist already. Nothing is run or fetched.

    Args:
        gpu: The GPU whose hours are counted.
        mfu: Share of its peak that is reached, 0..1: of operations in training, of memory traffic in answering.
        tokens_per_second: Measured training speed (MLflow logs it). Replaces mfu in training.
        rows: Rows of the pool, if no run has counted them and no limit sets them.
        instruction_tokens: Tokens an instruction, if no run has counted them.
        response_tokens: Tokens a response, if no run has counted them.
        quick: As in `m2m grid`.
        full: As in `m2m grid`.
    """
    from m2m.grid.design import choose_scope, list_cells
    from m2m.grid.grid_plan import describe_storage, find_shape, inspect_cells, read_data_size
    from m2m.grid.known_settings import check_settings
    from m2m.grid.params_file import read_settings
    from m2m.planning.cost_model import estimate_costs, estimate_llm_calls
    from m2m.planning.cost_report import format_costs, format_table
    from m2m.planning.gpus import GPUS
    from m2m.planning.llama_shapes import count_parameters
    from m2m.training.finetuning.memory import plan_memory

    if not 0 < mfu <= 1:
        raise ValueError(f"mfu must be above 0 and at most 1, got {mfu}")
    if min(instruction_tokens, response_tokens) <= 0:
        raise ValueError(f"Rows must have tokens, got {instruction_tokens:.0f} + {response_tokens:.0f}")
    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    cells = list_cells(settings["grid"]["parts"], settings["subset"], choose_scope(quick, full))
    stale, finished = inspect_cells(cells)
    data, is_counted = read_data_size(stale, settings, rows, instruction_tokens, response_tokens)
    shape, seconds = find_shape(settings["base"]), settings["grid"]["seconds"]
    costs = estimate_costs(settings, cells, data, shape, GPUS[gpu], mfu, tokens_per_second)
    pool = f"{data.rows:,} rows of {data.instruction_tokens:.0f} + {data.response_tokens:.0f} tokens"
    reached = f"{tokens_per_second:,.0f} tokens/s, measured" if tokens_per_second else f"{mfu:.0%} of its peak"
    hours = seconds * (len(cells) - finished) / 3600
    summary = {
        "cells": f"{len(cells)} in the grid of params.yaml, {finished} exist; the costs below are for all",
        "time": f"{hours:,.1f} h for the others on one worker, at {seconds} s a cell (grid.seconds)",
        "base model": f"{settings['base']['name']}, {count_parameters(shape):,} parameters",
        "pool": f"{pool}, {'counted' if is_counted else 'assumed: no run with these settings has counted them'}",
    }
    summary["training memory"] = plan_memory(settings, shape, GPUS[gpu].memory)
    calls = estimate_llm_calls(settings, data, len(cells))
    print(*format_table(summary), sep="\n")
    print(*format_costs(costs, calls, data, f"{gpu.upper()} at {reached}"), sep="\n")
    print(*format_table(describe_storage() | ({"stale stages": ", ".join(stale)} if stale else {})), sep="\n")
