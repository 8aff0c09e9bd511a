"""Runs one function over many items on every core, results in the order of the items."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from m2m.progress import track_progress

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_WORKERS = 8  # each imports the stage again, 0.3 GB
ITEMS_WORTH_WORKERS = 2000  # of a millisecond each; to start the workers takes two seconds


def count_cores() -> int:
    """Those that this process may use: a batch system or a container may give it fewer than the machine has."""
    from joblib import cpu_count

    return int(cpu_count())


def map_parallel(function: Callable[[Item], Result], items: Sequence[Item], label: str) -> Iterator[Result]:
    """`function` of each item, in order; a module-level function, so that the workers find it. Few items: here."""
    if len(items) < ITEMS_WORTH_WORKERS:
        yield from track_progress(map(function, items), label, len(items))
        return
    processes = min(MOST_WORKERS, count_cores())
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as workers:
        yield from track_progress(workers.map(function, items, chunksize=32), label, len(items))
