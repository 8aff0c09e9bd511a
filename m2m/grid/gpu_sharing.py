"""Refuses more cells at once on one GPU than its memory has room for, by the planned memory of their trainings."""

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from m2m.grid.gpu_locks import group_gpus, measure_gpu_memory
from m2m.grid.grid_plan import find_shape
from m2m.grid.pool_counts import count_packed_tokens
from m2m.planning.training_memory import count_fitting, estimate_memory
from m2m.training.finetuning.launch import read_processes
from m2m.training.finetuning.memory import plan_training


def require_room(settings: Mapping[str, Any], jobs: int, gpus_each: int) -> None:
    """ValueError where `jobs` workers put more trainings on a GPU at once than fit; `settings` as in params.yaml.

    Padded rows are taken to be as long as finetune.max_length, which few are; packed rows as long as the pool's, whose
    tokens the shared stages have counted. What answers take is not planned. Nothing is refused where no GPU is shared;
    where the size of model or GPU is unknown, a sentence says that nothing was checked.
    """
    groups, processes = group_gpus(gpus_each), read_processes(Path(settings["launch"]))
    together = -(-jobs // max(1, len(groups)))
    if not groups or together < 2 or processes.on_cpu:
        return
    try:
        shape = find_shape(settings["base"])
    except (OSError, ValueError) as error:
        print(f"grid: {together} cells share a GPU, and whether they fit is unknown: {error}", flush=True)
        return
    setup, rows = plan_training(settings, count_packed_tokens(settings))
    peak, available = estimate_memory(shape, setup).peak, measure_gpu_memory([*chain(*groups)])
    if available is None:
        print(
            f"grid: {together} cells share a GPU, and whether they fit is unknown: nvidia-smi names no memory",
            flush=True,
        )
        return
    fitting = count_fitting(peak, available)
    if together > fitting:
        remedy = f"set JOBS to at most {max(1, fitting) * len(groups)}, or raise finetune.accumulate"
        raise ValueError(
            f"{together} cells on one GPU take {together} × {peak / 1e9:.3g} GB at most{rows and ' for '}{rows}, "
            f"and it has {available / 1e9:.3g} GB: {remedy}"
        )
