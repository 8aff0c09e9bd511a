"""Says what memory a training needs and which setting fits: before it starts, and in place of an error of memory."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from m2m.planning.llama_shapes import LlamaShape, read_shape
from m2m.planning.training_memory import TrainingSetup, describe_memory, measure_packed_length, plan_setup
from m2m.training.finetuning.batch_order import order_batches
from m2m.training.finetuning.collation import Packing
from m2m.training.finetuning.launch import read_processes

RowTokens = Int64[np.ndarray, "rows"]  # of prompt and response together


def plan_memory(settings: Mapping[str, Any], shape: LlamaShape, gpu_bytes: float, row_tokens: RowTokens | None) -> str:
    """What a training of params.yaml needs in a process, of a GPU's bytes or, on a CPU, of this machine's memory."""
    import psutil

    is_on_cpu = read_processes(Path(settings["launch"])).on_cpu
    available = float(psutil.virtual_memory().total) if is_on_cpu else gpu_bytes
    setup, rows = plan_training(settings, row_tokens)
    return describe_memory(shape, setup, available, rows)


def plan_training(settings: Mapping[str, Any], row_tokens: RowTokens | None) -> tuple[TrainingSetup, str]:
    """What a process trains at once by the settings of params.yaml, and which rows that is planned for, in words.

    Padded rows may all be as long as finetune.max_length. Packed rows are as in the longest of the pool's random steps,
    or the pool's longest where a cell trains on these; `row_tokens` are the pool's, or None before they were counted.
    """
    tune, processes = settings["finetune"], read_processes(Path(settings["launch"]))
    setup = plan_setup(tune, processes.number, processes.sharing)
    if tune["packing"] == "none":
        return setup, ""
    if row_tokens is None:
        return setup, "rows of finetune.max_length tokens, since no run has counted the pool's"
    lengths = np.minimum(row_tokens, tune["max_length"])
    if _has_longest(settings):
        longest = np.sort(lengths)[::-1][None, : tune["batch_size"]]
        return setup._replace(length=measure_packed_length(longest, setup.rows)), "the pool's longest rows, packed"
    order = order_batches(lengths, tune["batch_size"], 1, np.random.default_rng(1))
    packed = measure_packed_length(np.append(lengths, 1)[order], setup.rows)
    return setup._replace(length=packed), f"the longest of {len(order):,} random steps of the pool, packed"


def _has_longest(settings: Mapping[str, Any]) -> bool:
    """Whether a cell trains on the longest responses, whose steps are longer than random ones."""
    planned = [part.get("strategy", []) for part in settings["grid"]["parts"].values()]
    return "longest" in {settings["subset"]["strategy"], *chain(*planned)}


@contextmanager
def explain_memory(config: Any, setup: TrainingSetup) -> Iterator[None]:
    """ValueError in place of an error of the GPU's memory, or of main memory.

    `config` is that of the model; of one that is no Llama the need is not estimated.
    """
    import torch

    try:
        yield
    except (RuntimeError, MemoryError) as error:  # torch's error on a CPU has no class of its own
        if not (isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)):
            raise
        raise ValueError(_describe_need(config, setup)) from error


def _describe_need(config: Any, setup: TrainingSetup) -> str:
    try:
        shape = read_shape(config.to_dict())
    except ValueError:
        twice = 2 * setup.accumulate
        return f"this training does not fit in memory: set finetune.accumulate to {twice}, or lower finetune.max_length"
    need = describe_memory(shape, setup, measure_available())
    lower = "" if "set finetune" in need else f": set finetune.accumulate to {2 * setup.accumulate}"
    return f"this training does not fit in memory, it takes {need}{lower}"


def measure_available() -> float:
    """Bytes of this process's GPU, or of main memory where there is none."""
    import psutil
    import torch

    return float(torch.cuda.mem_get_info()[1] if torch.cuda.is_available() else psutil.virtual_memory().total)


def measure_length(rows: Sequence[tuple[Sequence[int], Sequence[int]]], rows_at_once: int, packing: Packing) -> int:
    """Tokens of the longest row; of packed rows their mean in the longest micro-batch. An empty place is one token."""
    lengths = np.array([max(1, len(prompt) + len(completion)) for prompt, completion in rows])
    if packing == "none":
        return int(lengths.max())
    return measure_packed_length(lengths.reshape(-1, rows_at_once), rows_at_once)
