"""Turns an incidence into the chain of candidate pools, one for every number of units that can be reached."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, Int64
from numba import njit

from stages.core.incidence import Incidence


class Chain(NamedTuple):
    """Nested candidate pools: state s, from 0 with all units to the last with none, holds what has `…_end` > s."""

    row_end: Int32[np.ndarray, "rows"]
    unit_end: Int32[np.ndarray, "units"]

    def units_left(self) -> Int64[np.ndarray, "states"]:
        """k, the number of units in each state; it falls at every step, at times by more than one."""
        return self._left(self.unit_end, np.ones(len(self.unit_end), np.int64))

    def rows_left(self, costs: Int64[np.ndarray, "rows"]) -> Int64[np.ndarray, "states"]:
        """The summed `costs` of each state's candidate pool."""
        return self._left(self.row_end, costs)

    def candidates(self, state: int) -> Bool[np.ndarray, "rows"]:
        """The candidate pool: rows that have a unit, and all their units among those of the state."""
        return self.row_end > state

    def _left(
        self, end: Int32[np.ndarray, "things"], amounts: Int64[np.ndarray, "things"]
    ) -> Int64[np.ndarray, "states"]:
        states = int(self.unit_end.max(initial=0)) + 1
        gone = np.bincount(end, amounts, minlength=states).astype(np.int64)
        return np.asarray(amounts.sum() - gone.cumsum())


def prune(incidence: Incidence) -> Chain:
    """Drop the live unit with the fewest live rows, together with those rows, until none is left: O(pairs).

    A unit that loses its last row so leaves in the same step; a row without a unit is in no state. Ties are settled by
    the canonical order. This is the peeling of densest-subgraph algorithms (Charikar 2000, §3), rows as hyperedges.
    """
    row_end = np.zeros(len(incidence.row_start) - 1, np.int32)
    unit_end = np.zeros(len(incidence.unit_start) - 1, np.int32)
    _peel(*incidence, *_queue(np.diff(incidence.unit_start)), row_end, unit_end)
    return Chain(row_end, unit_end)


def _queue(count: Int64[np.ndarray, "units"]) -> tuple[Int64[np.ndarray, "..."], ...]:
    """Units by `count`, their live rows, fewest first; each unit's place there; the counts; and for each count the
    place of the first unit of that count (the bucket queue of Batagelj & Zaversnik 2003).
    """
    queue = np.argsort(count, kind="stable")
    place = np.empty_like(queue)
    place[queue] = np.arange(len(queue))
    return queue, place, count, np.searchsorted(count[queue], np.arange(count.max(initial=0) + 1))


@njit(cache=True)
def _peel(row_start, row_units, unit_start, unit_rows, queue, place, count, first, row_end, unit_end):  # type: ignore[no-untyped-def]
    """Fills `…_end`, all 0 before, with the first state that a row or unit is missing from."""
    head, state = 0, 0
    while head < len(queue):
        state += 1
        dropped = queue[head]
        for i in range(unit_start[dropped], unit_start[dropped + 1]):
            row = unit_rows[i]
            if row_end[row] == 0:
                row_end[row] = state
                for j in range(row_start[row], row_start[row + 1]):
                    _lower(queue, place, count, first, head, row_units[j])
        while head < len(queue) and count[queue[head]] == 0:
            unit_end[queue[head]] = state
            head += 1


@njit(inline="always")
def _lower(queue, place, count, first, head, unit):  # type: ignore[no-untyped-def]
    """One row less for `unit`: it changes places with the first live unit of its count, which then begin behind it."""
    at, to = place[unit], max(first[count[unit]], head)
    other = queue[to]
    queue[at], queue[to] = other, unit
    place[other], place[unit] = at, to
    first[count[unit]] = to + 1
    count[unit] -= 1
