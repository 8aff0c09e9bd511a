"""Reads what a plan of costs needs: finished cells, the size of the data, the model's shape, the device, replies."""

import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import polars as pl
import psutil

from m2m.gguf_models import find_gguf, read_gguf_config
from m2m.grid.design import Cell, Scope, list_cells
from m2m.grid.dvc_experiments import PROMPTS_FILE, predict_lock, read_experiments, read_lock
from m2m.grid.finished_kinds import list_stale_stages
from m2m.grid.gpu_locks import list_gpus, measure_gpu_memory, query_gpus
from m2m.grid.provenance import (
    add_hardware,
    get_hardware,
    hash_cell,
    hash_locked_cell,
    hash_provenance,
    is_finished,
)
from m2m.grid.rungs import list_current_rungs, list_expected_cells
from m2m.llm.client.reply_cache import ReplyCache, cache_folder
from m2m.parallel import count_cores
from m2m.planning.cost_inputs import count_data, estimate_data_size
from m2m.planning.cost_model import DataSize
from m2m.planning.gpus import GPUS, Gpu, describe_cpu, find_gpu
from m2m.planning.llama_shapes import PUBLISHED_SHAPES, LlamaShape, read_shape
from m2m.planning.staging import check_schedule
from m2m.runtime.artifacts import read_json, read_table
from m2m.schemas.prompts import Prompts
from m2m.schemas.tokens import Tokens
from m2m.strategies import SIDES
from m2m.training.finetuning.launch import read_processes

POOL_FILE, ASSUMED = Path("data/pool.parquet"), "assumed: no run with these settings has counted them"
DATA_STAGES = {"ingest", "respond", "benchmark", "band@instruction", "band@response"}  # whose outs are counted


def list_planned_cells(settings: Mapping[str, Any], scope: Scope) -> list[Cell]:
    """The grid's cells; of a staged one, the first configurations stand in the place of the best ones."""
    cells = list_cells(settings["grid"]["parts"], settings["subset"], scope)
    schedule = check_schedule(**settings["grid"]["staged"])
    return list_expected_cells(cells, schedule) if scope == "staged" else cells


def inspect_cells(settings: Mapping[str, Any], scope: Scope) -> tuple[list[str], int]:
    """The shared stages that would run again, and how many cells of the grid are finished experiments.

    Of a staged grid those of the rungs that can be listed so far. Cells of clusters count by their hardware: those of
    the kind that has most, as a grid on that kind would resume them.
    """
    previous = read_lock()
    lock = predict_lock(previous)
    stale = list_stale_stages(lock, previous)
    if stale:
        return stale, 0
    locks = [cell.lock for cell in read_experiments() if is_finished(cell.lock)]
    kinds = {"", *(get_hardware(finished) for finished in locks)}
    provenances = [hash_provenance(add_hardware(lock, kind)) for kind in sorted(kinds)]
    finished = {hash_locked_cell(lock) for lock in locks}
    return stale, max(_count_finished(settings, scope, provenance, finished) for provenance in provenances)


def _count_finished(settings: Mapping[str, Any], scope: Scope, shared: str, finished: Collection[str]) -> int:
    grid = settings["grid"]
    cells = list_cells(grid["parts"], settings["subset"], scope)
    if scope == "staged":
        rungs = list_current_rungs(cells, check_schedule(**grid["staged"]), shared, settings)
        cells = [cell for rung in rungs for cell in rung.cells]
    return sum(hash_cell(shared, cell, settings) in finished for cell in cells)


def read_data_size(
    stale: Sequence[str], settings: dict[str, Any], rows: int | None, instruction_tokens: float, response_tokens: float
) -> tuple[DataSize, str]:
    """The size of the data, and what of it was counted in the tables of a run with these settings."""
    if DATA_STAGES & set(stale) or not Path(PROMPTS_FILE).exists():
        is_read = rows is None and "ingest" not in stale and POOL_FILE.exists()
        row_count = pl.scan_parquet(POOL_FILE).select(pl.len()).collect().item() if is_read else rows
        source = "rows counted by ingest, tokens assumed" if is_read else ASSUMED
        return estimate_data_size(settings, row_count, instruction_tokens, response_tokens), source
    tokens = {side: read_table(Path(f"data/tokens/{side}.parquet"), Tokens) for side in SIDES}
    return count_data(tokens, read_table(Path(PROMPTS_FILE), Prompts)), "counted"


def choose_device(gpu: str, launch: Path) -> tuple[str, Gpu]:
    """The device whose hours are counted: its key in GPUS or 'cpu', and what it can do.

    With `gpu` 'auto' it is the first usable GPU of this machine, with the memory of the smallest one. It is the CPU
    without a GPU, or where `launch` trains on the CPU. ValueError for a GPU without a name, memory or key in GPUS.
    """
    if gpu not in ("auto", "cpu"):
        return gpu, GPUS[gpu]
    devices = [] if gpu == "cpu" or read_processes(launch).on_cpu else list_gpus()
    if not devices:
        return "cpu", describe_cpu(count_cores(), float(psutil.virtual_memory().total))
    names, memory, keys = query_gpus(devices[:1], "name"), measure_gpu_memory(devices), ", ".join(GPUS)
    if not names or memory is None:
        raise ValueError(
            f"nvidia-smi gives no name or no memory of the GPUs {','.join(devices)}. "
            f"Name one like them with --gpu: {keys}."
        )
    key = find_gpu(names[0])
    if key is None:
        raise ValueError(f"The peak of {names[0]} is not known. Name a similar GPU with --gpu: {keys}.")
    return key, GPUS[key]._replace(memory=memory)


def find_shape(base: dict[str, Any]) -> LlamaShape:
    """The shape of the base model in the settings `base`. OSError if its config.json is not on this disk."""
    if base["name"] == "scratch":
        width, heads = base["hidden_size"], base["heads"]
        return LlamaShape(base["vocab_size"], width, width * 8 // 3, base["layers"], heads, heads, True)
    return PUBLISHED_SHAPES.get(base["name"]) or read_shape(read_model_config(base["name"], base["revision"]))


def read_model_config(name: str, revision: str) -> dict[str, Any]:
    """config.json of a folder or GGUF file, or of a hub id that was fetched before; nothing is fetched.

    OSError without one.
    """
    if gguf := find_gguf(name):
        return read_gguf_config(gguf)
    if Path(name).is_dir():
        return read_json(Path(name) / "config.json")
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(name, "config.json", revision=revision)
    if not isinstance(path, str):
        raise OSError(
            f"The size of {name} at revision {revision} is unknown. Run hf download {name} config.json "
            f"--revision {revision}, or set base.name to a folder."
        )
    return read_json(Path(path))


def describe_storage() -> dict[str, str]:
    """DVC's run cache, the LLM replies that are kept, and the free disk space, in words."""
    from dvc.repo import Repo

    with Repo() as repo:
        runs = sum(1 for _ in Path(repo.stage_cache.cache_dir).glob("*/*/*"))
    replies = {}
    if (cache_folder() / "replies.db").exists():
        with closing(ReplyCache(cache_folder())) as cache:
            for model in cache.holdings():
                tokens = model.prompt_tokens + model.completion_tokens
                replies[f"replies of {model.model}"] = f"{model.replies:,} cached, {tokens:,} tokens, not paid again"
    free = shutil.disk_usage(".").free
    return {"DVC's run cache": f"{runs:,} stage runs"} | replies | {"disk": f"{free / 1e9:,.0f} GB free"}
