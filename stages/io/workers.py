"""Runs one function over many items on every core, results in the order of the items."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from stages.io.progress import progress

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_WORKERS = 8  # each imports the stage again, 0.3 GB
ITEMS_WORTH_WORKERS = 2000  # of a millisecond each; to start the workers takes two seconds


def parallel(function: Callable[[Item], Result], items: Sequence[Item], label: str) -> Iterator[Result]:
    """`function` of each item, in order; a module-level function, so that the workers find it. Few items: here."""
    if len(items) < ITEMS_WORTH_WORKERS:
        yield from progress(map(function, items), label, len(items))
        return
    with ProcessPoolExecutor(
        min(MOST_WORKERS, os.cpu_count() or 1), mp_context=multiprocessing.get_context("spawn")
    ) as workers:
        yield from progress(workers.map(function, items, chunksize=32), label, len(items))
