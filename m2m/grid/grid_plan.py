"""Reads what a plan needs: stale stages, finished cells, the size of the data, the model's shape, kept replies."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from m2m.gguf_models import find_gguf, read_gguf_config
from m2m.grid.design import Cell
from m2m.grid.dvc_experiments import predict_lock, read_experiments, read_lock
from m2m.grid.provenance import CELL_STAGES, hash_cell, hash_finished_cells, hash_provenance
from m2m.grid.study_folder import PROMPTS_FILE
from m2m.llm.client.reply_cache import ReplyCache, cache_folder
from m2m.planning.cost_inputs import count_data, estimate_data_size
from m2m.planning.cost_model import DataSize
from m2m.planning.llama_shapes import PUBLISHED_SHAPES, LlamaShape, read_shape
from m2m.runtime.artifacts import read_json, read_table
from m2m.schemas.prompts import Prompts
from m2m.schemas.tokens import Tokens

DATA_STAGES = {"ingest", "respond", "benchmark", "band@instruction", "band@response"}  # whose outs are counted


def inspect_cells(cells: Sequence[Cell]) -> tuple[list[str], int]:
    """The shared stages that would run again, and how many of `cells` are finished experiments."""
    previous, lock = read_lock(), predict_lock()
    stale = [name for name, stage in lock.items() if name not in CELL_STAGES and _is_stale(stage, previous.get(name))]
    if stale:
        return stale, 0
    shared, finished = hash_provenance(lock), hash_finished_cells(cell.lock for cell in read_experiments())
    return stale, sum(hash_cell(shared, cell) in finished for cell in cells)


def read_data_size(
    stale: Sequence[str], settings: dict[str, Any], rows: int | None, instruction_tokens: float, response_tokens: float
) -> tuple[DataSize, bool]:
    """The size of the data, and whether it was counted in the tables of a run with these settings."""
    if DATA_STAGES & set(stale) or not Path(PROMPTS_FILE).exists():
        return estimate_data_size(settings, rows, instruction_tokens, response_tokens), False
    tokens = {side: read_table(Path(f"data/tokens/{side}.parquet"), Tokens) for side in ("instruction", "response")}
    return count_data(tokens, read_table(Path(PROMPTS_FILE), Prompts)), True


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


def _is_stale(stage: Mapping[str, Any], previous: Mapping[str, Any] | None) -> bool:
    if previous is None or stage["cmd"] != previous["cmd"]:
        return True
    return any(md5 and md5 != previous["deps"].get(path) for path, md5 in stage["deps"].items())
