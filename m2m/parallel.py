"""Runs one function over many items, in this process, on every core or on Ray; results in the order of the items.

The environment variable M2M_ENGINE decides where: unset or local, or ray. It is no setting of params.yaml, because it
changes no output, and so must re-run no stage.
"""

import multiprocessing
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from m2m.progress import Item, track_progress
from m2m.ray_slices import Result, map_by_actors, map_by_tasks

MOST_WORKERS = 8  # each imports the stage again, 0.3 GB
ITEMS_WORTH_WORKERS = 2000  # of a millisecond each; starting the workers takes two seconds
CHUNK = 32  # such items that a worker gets at once
ENGINE, ENGINES = "M2M_ENGINE", ("local", "ray")
TASK_GPUS = "M2M_TASK_GPUS"  # GPUs of a Ray worker that embeds; a fraction shares one


def count_cores() -> int:
    """The cores that this process may use: a batch system or a container may give it fewer than the machine has."""
    from joblib import cpu_count

    return int(cpu_count())


def get_engine() -> str:
    """Where slices are worked on, as M2M_ENGINE says: local or ray. ValueError for any other word."""
    engine = os.environ.get(ENGINE) or ENGINES[0]
    if engine not in ENGINES:
        raise ValueError(f"{ENGINE} must be one of {', '.join(ENGINES)}, got {engine!r}: unset it for one process")
    return engine


def map_slices(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`function` (of a module, or a partial of one) of each item, a slice of a table, in order.

    local: in this process. ray: tasks of the cluster at RAY_ADDRESS, or of this machine; few slices are on the way at
    once, and none is read before it may start. OSError where Ray is not installed or a worker is lost for good.
    """
    if get_engine() == "ray":
        yield from map_by_tasks(function, items)
    else:
        yield from map(function, items)


def map_by_model(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """As `map_slices`, of a function that loads a model and keeps it: with M2M_TASK_GPUS, Ray keeps its GPUs too."""
    gpus = _count_task_gpus()
    if get_engine() == "ray" and gpus:
        yield from map_by_actors(function, items, gpus)
    else:
        yield from map_slices(function, items)


def map_parallel(function: Callable[[Item], Result], items: Sequence[Item], label: str) -> Iterator[Result]:
    """`function` (of a module, so that workers find it) of each item, in order. Few items run in this process.

    OSError when a worker is killed.
    """
    if len(items) < ITEMS_WORTH_WORKERS:
        yield from track_progress(map(function, items), label, len(items))
        return
    if get_engine() == "ray":
        chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
        results = (result for chunk in map_slices(partial(_map_chunk, function), chunks) for result in chunk)
        yield from track_progress(results, label, len(items))
        return
    processes = min(MOST_WORKERS, count_cores())
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as workers:
        try:
            yield from track_progress(workers.map(function, items, chunksize=CHUNK), label, len(items))
        except BrokenProcessPool as error:
            raise OSError(
                f"{label}: one of {processes} workers was killed, most likely because the memory was full: "
                "close other programs, or allow fewer cores (taskset -c 0), and run the same command again"
            ) from error


def _map_chunk(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]


def _count_task_gpus() -> float:
    value = os.environ.get(TASK_GPUS) or "0"
    if not re.fullmatch(r"\d*\.?\d+", value):
        raise ValueError(f"{TASK_GPUS} must be a number of GPUs, such as 1 or 0.25, got {value!r}: unset it")
    return float(value)
