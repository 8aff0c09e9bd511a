"""What running the grid of params.yaml would cost, before it is run: trainings, GPU-hours, LLM calls, disk."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from m2m.grid.design import Cell, design, scope_of
from m2m.grid.dvc_experiments import experiments, locked_here, workspace
from m2m.grid.params_file import read_settings
from m2m.grid.provenance import CELL, identities, identity, provenance
from m2m.llm.client.reply_cache import ReplyCache, cache_folder
from m2m.planning.cost_inputs import assumed, counted
from m2m.planning.cost_model import Facts, estimate, llm_calls
from m2m.planning.cost_report import bill, table
from m2m.planning.gpus import GPUS
from m2m.planning.llama_shapes import KNOWN, Shape, parameters, shape_of
from m2m.planning.model_config import config_of
from m2m.runtime.artifacts import read_table
from m2m.runtime.cli import run
from m2m.schemas.prompts import Prompts
from m2m.schemas.tokens import Tokens

SIDES = ("instruction", "response")
TELLING = {"ingest", "respond", "benchmark", "band@instruction", "band@response"}  # whose outs are counted


def main(
    *,
    gpu: Literal["a100", "l40s", "h100", "h200", "b200"] = "h100",
    mfu: float = 0.4,
    tokens_per_second: float | None = None,
    rows: int | None = None,
    instruction_tokens: float = 100,
    response_tokens: float = 500,
    quick: bool = False,
    full: bool = False,
) -> None:
    """Tell what the grid of params.yaml costs, and what is there already. Nothing is run, nothing is fetched.

    Args:
        gpu: whose hours are counted
        mfu: share of its peak that is reached, 0..1, of operations in training, of memory traffic in answering
        tokens_per_second: of a training here, as MLflow has it; counts in place of mfu
        rows: of the pool, where no run has counted them and no limit says it
        instruction_tokens: a row, where no run has counted them
        response_tokens: a row, where no run has counted them
        quick: as in the grid command
        full: as in the grid command
    """
    if not 0 < mfu <= 1:
        raise ValueError(f"mfu must be above 0 and at most 1, got {mfu}")
    if min(instruction_tokens, response_tokens) <= 0:
        raise ValueError(f"a row has tokens: more than {instruction_tokens:.0f} + {response_tokens:.0f}")
    settings = read_settings(Path("params.yaml"))
    cells = design(settings["grid"]["parts"], settings["subset"], scope_of(quick, full))
    stale, there = _state(cells)
    if measured := not TELLING & set(stale) and Path("data/prompts.parquet").exists():
        facts = _counted()
    else:
        facts = assumed(settings, rows, instruction_tokens, response_tokens)
    shape = _shape(settings["base"])
    seconds = settings["grid"]["seconds"]
    costs = estimate(settings, cells, facts, shape, GPUS[gpu], mfu, tokens_per_second)
    pool = f"{facts.rows:,} rows of {facts.instruction_tokens:.0f} + {facts.response_tokens:.0f} tokens"
    reached = f"{tokens_per_second:,.0f} tokens/s, measured" if tokens_per_second else f"{mfu:.0%} of its peak"
    told = {
        "cells": f"{len(cells)} in the grid of params.yaml, {there} of them are there; what follows is for all",
        "time": f"{seconds} s a cell of one worker, says grid.seconds: {seconds * (len(cells) - there) / 3600:,.1f} h "
        "for the others",
        "base model": f"{settings['base']['name']}, {parameters(shape):,} parameters",
        "pool": f"{pool}, {'counted' if measured else 'assumed: no run with these settings has counted them'}",
    }
    print(*table(told), sep="\n")
    print(*bill(costs, llm_calls(settings, facts, len(cells)), facts, f"{gpu.upper()} at {reached}"), sep="\n")
    print(*table(_held() | ({"dvc would run first": ", ".join(stale)} if stale else {})), sep="\n")


def _state(cells: list[Cell]) -> tuple[list[str], int]:
    """The shared stages that would run again, and how many of `cells` an experiment holds."""
    known, now = locked_here(), workspace()
    stale = [name for name, stage in now.items() if name not in CELL and _differs(stage, known.get(name))]
    if stale:
        return stale, 0
    shared = provenance(now)
    there = identities(one.lock for one in experiments())
    return stale, sum(identity(shared, cell) in there for cell in cells)


def _differs(now: dict[str, Any], known: dict[str, Any] | None) -> bool:
    if known is None or now["cmd"] != known["cmd"]:
        return True
    return any(md5 and md5 != known["deps"].get(path) for path, md5 in now["deps"].items())


def _counted() -> Facts:
    tokens = {side: read_table(Path(f"data/tokens/{side}.parquet"), Tokens) for side in SIDES}
    return counted(tokens, read_table(Path("data/prompts.parquet"), Prompts))


def _shape(base: dict[str, Any]) -> Shape:
    if base["name"] == "scratch":
        width, heads = base["hidden_size"], base["heads"]
        return Shape(base["vocab_size"], width, width * 8 // 3, base["layers"], heads, heads, True)
    return KNOWN.get(base["name"]) or shape_of(config_of(base["name"], base["revision"]))


def _held() -> dict[str, str]:
    """What is kept, and what is left of the disk."""
    from dvc.repo import Repo

    with Repo() as repo:
        runs = sum(1 for _ in Path(repo.stage_cache.cache_dir).glob("*/*/*"))
    kept = {}
    if (cache_folder() / "replies.db").exists():
        with closing(ReplyCache(cache_folder())) as replies:
            for one in replies.holdings():
                paid = one.prompt_tokens + one.completion_tokens
                kept[f"kept of {one.model}"] = f"{one.replies:,} replies, {paid:,} tokens: not paid again"
    free = shutil.disk_usage(".").free
    return {"DVC's run cache": f"{runs:,} stage runs"} | kept | {"disk": f"{free / 1e9:,.0f} GB free"}


if __name__ == "__main__":
    run(main)
