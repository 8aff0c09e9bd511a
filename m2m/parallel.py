"""Runs one function over many items on every core, results in the order of the items."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from m2m.progress import Item, track_progress

Result = TypeVar("Result")
MOST_WORKERS = 8  # each imports the stage again, 0.3 GB
ITEMS_WORTH_WORKERS = 2000  # of a millisecond each; starting the workers takes two seconds


def count_cores() -> int:
    """The cores that this process may use: a batch system or a container may give it fewer than the machine has."""
    from joblib import cpu_count

    return int(cpu_count())


def map_parallel(function: Callable[[Item], Result], items: Sequence[Item], label: str) -> Iterator[Result]:
    """`function` (of a module, so that workers find it) of each item, in order. Few items run in this process.

    OSError when a worker is killed.
    """
    if len(items) < ITEMS_WORTH_WORKERS:
        yield from track_progress(map(function, items), label, len(items))
        return
    processes = min(MOST_WORKERS, count_cores())
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as workers:
        try:
            yield from track_progress(workers.map(function, items, chunksize=32), label, len(items))
        except BrokenProcessPool as error:
            raise OSError(
                f"{label}: one of {processes} workers was killed, most likely because the memory was full: "
                "close other programs, or allow fewer cores (taskset -c 0), and run the same command again"
            ) from error
