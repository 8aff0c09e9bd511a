"""Runs one function over many items, in this process, on every core or on Ray; results in the order of the items.

The environment variable M2M_ENGINE decides where: unset or local, or ray. It is no setting of params.yaml, because it
changes no output, and so must re-run no stage.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from m2m.progress import Item, track_progress

Result = TypeVar("Result")
MOST_WORKERS = 8  # each imports the stage again, 0.3 GB
ITEMS_WORTH_WORKERS = 2000  # of a millisecond each; starting the workers takes two seconds
CHUNK = 32  # such items that a worker gets at once
ENGINE, ENGINES = "M2M_ENGINE", ("local", "ray")
TASK_GPUS = "M2M_TASK_GPUS"  # GPUs of a Ray task, which embeds; a fraction shares one
SLICES_AHEAD = 2  # slices a core that wait or run: more fill the memory where the writer is slower


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
        yield from _map_on_ray(function, items)
    else:
        yield from map(function, items)


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


def _map_on_ray(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    ray = _start_ray()
    task = ray.remote(num_cpus=1, num_gpus=_count_task_gpus())(_apply)
    shared = ray.put(function)
    most = max(1, SLICES_AHEAD * int(ray.cluster_resources().get("CPU", 1)))
    pending: deque[Any] = deque()
    try:
        for item in items:
            pending.append(task.remote(shared, item))
            if len(pending) >= most:
                yield ray.get(pending.popleft())
        while pending:
            yield ray.get(pending.popleft())
    except ray.exceptions.RayTaskError as error:  # of the function: its own words
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise OSError(
            f"Ray lost a slice for good ({type(error).__name__}), most likely because a node's memory was full: "
            "run the same command again, with fewer cores a node (ray start --num-cpus)"
        ) from error
    finally:
        for reference in pending:
            ray.cancel(reference)


def _apply(function: Callable[[Item], Result], item: Item) -> Result:
    return function(item)


def _count_task_gpus() -> float:
    value = os.environ.get(TASK_GPUS) or "0"
    try:
        return float(value)
    except ValueError as error:
        raise ValueError(f"{TASK_GPUS} must be a number of GPUs, such as 1 or 0.25, got {value!r}: unset it") from error


def _start_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise OSError(f"{ENGINE}=ray needs the package ray: pip install 'macro-to-micro[ray]', or unset it") from error
    if not ray.is_initialized():
        package = str(Path(__file__).parent)  # workers import the code of this checkout
        threads = {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(runtime_env={"py_modules": [package], "env_vars": threads}, log_to_driver=False)
    return ray
