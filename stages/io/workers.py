"""Runs one function over many items on every core, results in the order of the items."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

from stages.io.progress import progress

Item = TypeVar("Item")
Result = TypeVar("Result")
ITEMS_WORTH_WORKERS = 200  # to start them takes about a second


def parallel(function: Callable[[Item], Result], items: Sequence[Item], label: str) -> Iterator[Result]:
    """`function` of each item, in order; a module-level function, so that the workers find it. Few items: here."""
    if len(items) < ITEMS_WORTH_WORKERS:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as workers:
        yield from progress(workers.map(function, items, chunksize=32), label, len(items))
