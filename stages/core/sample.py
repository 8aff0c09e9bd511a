"""Turns a candidate pool into a subset that covers its units as evenly as they allow."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64
from numba import njit

from stages.core.incidence import Incidence

Weights = Literal["uniform", "inverse"]


class Draw(NamedTuple):
    """The chosen rows in the order in which they were chosen, and the unit that each was chosen for."""

    rows: Int32[np.ndarray, "chosen"]
    units: Int32[np.ndarray, "chosen"]


def sample(
    incidence: Incidence,
    candidates: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    weights: Weights,
    rng: np.random.Generator,
) -> Draw:
    """Choose distinct candidates until their summed `costs` reach `size`: N rows when each costs 1.

    Served next is always the unit that the fewest chosen rows carry, ties at random; a unit without a candidate that is
    still free leaves. The row is drawn from the unit's free candidates, each as likely ("uniform"), or with weight
    1 / (units in the row) ("inverse"). `candidates` is a state of the chain, so all units of a candidate are live.
    Near linear: O(pairs + turns · log rows). ValueError when all candidates together cost less than `size`.
    """
    held = int(costs[candidates].sum())
    if size > held:
        raise ValueError(f"size must be at most what the candidate pool holds, {held}, got {size}: take less")
    rows, keys, left = _keyed(incidence, candidates, weights, rng)
    heaps = rows, keys, left.cumsum() - left, left
    live = np.flatnonzero(left)
    chosen = np.empty((2, candidates.sum()), np.int32)
    ties = rng.random(chosen.shape[1] + len(live))
    row_start, row_units, *_ = incidence
    turns = _serve(row_start, row_units, *heaps, *_queue(live, left), candidates.copy(), costs, size, ties, *chosen)
    return Draw(*chosen[:, :turns])


def _keyed(
    incidence: Incidence, candidates: Bool[np.ndarray, "rows"], weights: Weights, rng: np.random.Generator
) -> tuple[Int32[np.ndarray, "pairs"], Float32[np.ndarray, "pairs"], Int64[np.ndarray, "units"]]:
    """The candidates of unit after unit, an exponential key for each, divided by its weight, and how many a unit has.

    To take the smallest key first is to draw by weight without replacement (Efraimidis & Spirakis 2006).
    """
    inside = candidates[incidence.unit_rows]
    rows = incidence.unit_rows[inside]
    keys = rng.standard_exponential(len(rows), np.float32)
    if weights == "inverse":
        keys *= np.diff(incidence.row_start)[rows]
    return rows, keys, np.add.reduceat(inside, incidence.unit_start[:-1], dtype=np.int64)


def _queue(live: Int64[np.ndarray, "live"], left: Int64[np.ndarray, "units"]) -> tuple[Int64[np.ndarray, "..."], ...]:
    """The live units by count, the chosen rows that carry each, fewest first; each unit's place there; the counts, all
    0 at first; and for each count the place behind the last unit of that count.
    """
    place = np.empty_like(left)
    place[live] = np.arange(len(live))
    return live, place, np.zeros_like(left), np.full(left.max() + 1, len(live))


@njit(cache=True)
def _serve(  # type: ignore[no-untyped-def]
    row_start, row_units, rows, keys, start, left, queue, place, count, end, free, costs, size, ties, chosen, served
):
    """Fills `chosen` with rows and `served` with their units, and returns the number of turns.

    A unit's `rows` and `keys` are a heap of `left` entries from `start`. Exhausted units stand before `head`.
    """
    for unit in queue:
        for node in range(left[unit] // 2 - 1, -1, -1):
            _sift(rows, keys, start[unit], left[unit], node)
    head, fewest, turns, spent = 0, 0, 0, 0
    for tie in ties:
        while end[fewest] <= head:
            fewest += 1
        unit = queue[head + int(tie * (end[fewest] - head))]
        row = _take(rows, keys, start, left, unit, free)
        if row < 0:
            _move(queue, place, unit, head)
            head += 1
            continue
        for i in range(row_start[row], row_start[row + 1]):
            carried = row_units[i]
            end[count[carried]] -= 1
            _move(queue, place, carried, end[count[carried]])
            count[carried] += 1
        chosen[turns], served[turns] = row, unit
        turns += 1
        spent += costs[row]
        if spent >= size:
            break
    return turns


@njit(inline="always")
def _take(rows, keys, start, left, unit, free):  # type: ignore[no-untyped-def]
    """The unit's free row of the smallest key, from now on not free; −1 when there is none."""
    top = start[unit]
    while left[unit] > 0:
        left[unit] -= 1
        row, last = rows[top], top + left[unit]
        rows[top], keys[top] = rows[last], keys[last]
        _sift(rows, keys, top, left[unit], 0)
        if free[row]:
            free[row] = False
            return row
    return -1


@njit(inline="always")
def _sift(rows, keys, top, size, node):  # type: ignore[no-untyped-def]
    """Let the entry at `node` of the heap at `top` sink until no child has a smaller key."""
    while 2 * node + 1 < size:
        at, child = top + node, top + 2 * node + 1
        if child + 1 < top + size and keys[child + 1] < keys[child]:
            child += 1
        if keys[at] <= keys[child]:
            return
        keys[at], keys[child] = keys[child], keys[at]
        rows[at], rows[child] = rows[child], rows[at]
        node = child - top


@njit(inline="always")
def _move(queue, place, unit, to):  # type: ignore[no-untyped-def]
    """Let `unit` change places with the unit at `to`."""
    other, at = queue[to], place[unit]
    queue[at], queue[to] = other, unit
    place[other], place[unit] = at, to
