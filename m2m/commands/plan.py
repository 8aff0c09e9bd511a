"""Estimate the study before it runs: its costs, and the smallest gain that it can show."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from m2m.grid.design import Scope

DEVICES = Literal["auto", "cpu", "a100", "h100", "h100-pcie", "h100-nvl", "h200", "b200", "l4", "l40s"]


def main(
    *,
    gpu: DEVICES = "auto",
    mfu: float = 0.4,
    tokens_per_second: float | None = None,
    rows: int | None = None,
    instruction_tokens: float = 100,
    response_tokens: float = 500,
    price: float | None = None,
    token_price: float | None = None,
    detect: float | None = None,
    pilot: Path | None = None,
    quick: bool = False,
    full: bool = False,
    bake_off: bool = False,
    sizes: bool = False,
) -> None:
    """Print what the grid of params.yaml costs, what it can show, and which cells exist. Nothing is run or fetched.

    Args:
        gpu: The GPU whose hours are counted, or cpu. auto: this machine's first GPU, or its CPU where
            it has no GPU or `launch` trains on the CPU.
        mfu: Share of a GPU's peak that is reached, 0..1: of operations in training, of memory traffic in answering.
        tokens_per_second: Measured training speed (MLflow logs it). Replaces mfu in training.
        rows: Rows of the pool, if no run has counted them and no limit sets them.
        instruction_tokens: Tokens an instruction, if no run has counted them.
        response_tokens: Tokens a response, if no run has counted them.
        price: Price of an hour of the GPU or this machine, in any currency.
        token_price: Price of a million tokens of the LLM, read or written.
        detect: A gain over random, such as 0.003. Prints the cheapest grid that shows it.
        pilot: Folder of a study whose noise is taken. Default: metrics/own, metrics/pilot, or the bundled study.
        quick: As in `m2m grid`.
        full: As in `m2m grid`.
        bake_off: The grid of `m2m bake-off` in the place of the study's.
        sizes: As in `m2m grid`.
    """
    from m2m.grid.design import choose_scope
    from m2m.grid.grid_plan import describe_storage, inspect_cells, list_planned_cells
    from m2m.grid.params.known_settings import check_settings
    from m2m.grid.params.params_file import read_settings
    from m2m.planning.cost_report import Prices, format_table

    if not 0 < mfu <= 1:
        raise ValueError(f"mfu must be above 0 and at most 1, got {mfu}")
    numbers = {
        "tokens-per-second": tokens_per_second,
        "rows": rows,
        "instruction-tokens": instruction_tokens,
        "response-tokens": response_tokens,
        "price": price,
        "token-price": token_price,
        "detect": detect,
    }
    _require_positive(numbers)
    _require_one_grid({"quick": quick, "bake-off": bake_off, "sizes": sizes})
    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    scope = choose_scope(quick=quick, full=full or bake_off or sizes)
    if bake_off or sizes:
        settings = _take_named_parts(settings, bake_off, sizes)
    cells = list_planned_cells(settings, scope)
    stale, finished = inspect_cells(settings, scope)
    name = "bake-off" if bake_off else "sizes" if sizes else f"{scope} grid"
    summary = _describe_cells(settings, name, len(cells), finished)
    size = (rows, instruction_tokens, response_tokens)
    lines = _describe_costs(settings, cells, stale, size, gpu, mfu, tokens_per_second, Prices(price, token_price))
    power = _describe_power(settings, scope, pilot, detect)
    storage = describe_storage() | ({"stale stages": ", ".join(stale)} if stale else {})
    print(*format_table(summary | lines | power | storage), sep="\n")


def _require_positive(numbers: Mapping[str, float | None]) -> None:
    """ValueError for a flag whose number is not finite or not above 0; None is a flag that was not given."""
    for flag, number in numbers.items():
        if number is not None and not 0 < number < math.inf:
            raise ValueError(f"--{flag} must be a finite number above 0, got {number:g}")


def _require_one_grid(flags: Mapping[str, bool]) -> None:
    names = [f"--{name}" for name, is_given in flags.items() if is_given]
    if len(names) > 1:
        raise ValueError(f"{' and '.join(names)} are different grids: choose one")


def _take_named_parts(settings: dict[str, Any], bake_off: bool, sizes: bool) -> dict[str, Any]:
    """The settings with the cells of another grid, whose sizes follow from the pool that a run has counted."""
    from m2m.grid.named_parts import make_bake_off_parts, make_size_parts, replace_parts
    from m2m.grid.pool_counts import count_pool

    counts = count_pool(settings)
    grid_parts = make_bake_off_parts(settings, counts, (), None) if bake_off else make_size_parts(settings, counts)
    return replace_parts(settings, grid_parts)


def _describe_cells(settings: dict[str, Any], name: str, count: int, finished: int) -> dict[str, str]:
    seconds = settings["grid"]["seconds"]
    hours = seconds * (count - finished) / 3600
    return {
        "cells": f"{count} in the {name} of params.yaml, {finished} exist; the costs below are for all",
        "time": f"{hours:,.1f} h for the others on one worker, at {seconds} s a cell (grid.seconds)",
    }


def _describe_costs(
    settings: dict[str, Any],
    cells: Sequence[dict[str, Any]],
    stale: Sequence[str],
    size: tuple[int | None, float, float],
    gpu: str,
    mfu: float,
    tokens_per_second: float | None,
    prices: Any,
) -> dict[str, str]:
    from m2m.grid.grid_plan import choose_device, find_shape, read_data_size
    from m2m.grid.pool_counts import count_packed_tokens
    from m2m.planning import cost_report
    from m2m.planning.cost_model import count_work, estimate_hours, estimate_llm_calls
    from m2m.planning.llama_shapes import count_parameters
    from m2m.planning.rating_calls import estimate_rating_calls
    from m2m.training.finetuning.memory import plan_memory

    launch = Path(settings["launch"])
    key, machine = choose_device(gpu, launch)
    device = "CPU" if key == "cpu" else "GPU"
    data, source = read_data_size(stale, settings, *size)
    work = count_work(settings, cells, data)
    calls = estimate_llm_calls(settings, data, len(cells)) | estimate_rating_calls(settings, data)
    pool = f"{data.rows:,} rows of {data.instruction_tokens:.0f} + {data.response_tokens:.0f} tokens"
    name = settings["base"]["name"]
    try:
        shape = find_shape(settings["base"])
    except (OSError, ValueError) as error:
        model, hours, time = f"{name}, hours and bytes are not in the plan: {error}", {}, None
    else:
        utilisation = 1.0 if key == "cpu" else mfu
        estimates = estimate_hours(settings, work, data, shape, machine, utilisation, tokens_per_second)
        model, hours = f"{name}, {count_parameters(shape):,} parameters", cost_report.format_hours(estimates, device)
        row_tokens = count_packed_tokens(settings) if source == "counted" else None
        hours["training memory"] = plan_memory(settings, shape, machine.memory, row_tokens)
        time = estimates["hours"]
    reached = f"{tokens_per_second:,.0f} tokens/s, measured" if tokens_per_second else f"{mfu:.0%} of its peak"
    speed = f"this machine's CPU, all cores (launch: {launch})" if key == "cpu" else f"{key.upper()} at {reached}"
    lines = {"base model": model, "pool": f"{pool}, {source}"} | cost_report.format_work(work, data)
    lines |= ({device: speed} | hours if hours else {}) | cost_report.format_calls(calls)
    return lines | cost_report.format_total(time, calls, prices, device) | cost_report.list_assumptions()


def _describe_power(
    settings: dict[str, Any], scope: "Scope", pilot: Path | None, detect: float | None
) -> dict[str, str]:
    """The lines of power, or why there are none: a plan of costs alone is one too."""
    from m2m.grid.power_plan import plan_comparisons, read_noise
    from m2m.grid.study_places import choose_noise_folder
    from m2m.planning.power_report import describe_detection, describe_power

    try:
        noise, source, unit = read_noise(choose_noise_folder(pilot))
        grid = plan_comparisons(settings, scope)
    except ValueError as error:
        if detect is not None or pilot is not None:
            raise
        return {"smallest gain": str(error)}
    lines = describe_power(grid, noise, source, unit)
    return lines | (describe_detection(grid, noise, detect, unit) if detect is not None else {})
