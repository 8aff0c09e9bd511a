"""Turns an incidence into the chain of candidate pools, one for every number of units that can be reached."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, Int64
from numba import njit

from m2m.selection.incidence import Incidence


class BucketQueue(NamedTuple):
    """Things, units or rows, by score, smallest first (Batagelj & Zaversnik 2003)."""

    order: Int64[np.ndarray, "things"]
    place: Int64[np.ndarray, "things"]
    """of each thing in `order`"""
    score: Int64[np.ndarray, "things"]
    first: Int64[np.ndarray, "scores"]
    """for each score the place of the first thing that has it"""


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
        dropped = np.bincount(end, amounts, minlength=states).astype(np.int64)
        return np.asarray(amounts.sum() - dropped.cumsum())


def measure_loads(incidence: Incidence, noise: float, rng: np.random.Generator) -> Int64[np.ndarray, "units"]:
    """The rows that are dropped with each unit in a peel without loads, for a second peel, times exp(noise · normal).

    Without noise these are two rounds of Greedy++ (Boob et al. 2020, algorithm 1) on the hypergraph whose edges are the
    rows. The load tells a unit that is rare from one whose rows hang on rarer units, and so keeps more rows at nearly
    every k. With noise each `rng` keeps other units. ValueError for a noise outside 0 … 1.
    """
    if not 0 <= noise <= 1:
        raise ValueError(f"peel_noise must be in 0..1, got {noise}")
    _, load = peel(incidence, np.zeros(len(incidence.unit_start) - 1, np.int64))
    noisy: Int64[np.ndarray, units] = np.rint(load * np.exp(noise * rng.standard_normal(len(load)))).astype(np.int64)
    return noisy


def peel(incidence: Incidence, load: Int64[np.ndarray, "units"]) -> tuple[Chain, Int64[np.ndarray, "units"]]:
    """Drop the unit with the smallest `load` + live rows, together with those rows, until no unit is left: O(pairs).

    A unit that loses its last row to another leaves in the same step; a row without a unit is in no state. Ties: units
    start in canonical order. One whose score falls goes behind those that have that score, and the first unit of its
    old score takes its place. So ties depend on the incidence alone, but they do not keep the canonical order.
    Beside the chain it returns how many rows were dropped with each unit; they sum to all rows. At `load` 0 it is the
    peeling of Charikar 2000, §3.
    """
    row_end = np.zeros(len(incidence.row_start) - 1, np.int32)
    unit_end = np.zeros(len(load), np.int32)
    dropped = np.zeros_like(load)
    _peel(incidence, build_queue(load + np.diff(incidence.unit_start)), load, row_end, unit_end, dropped)
    return Chain(row_end, unit_end), dropped


def peel_within_margins(
    incidence: Incidence,
    load: Int64[np.ndarray, "units"],
    stratum: Int32[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    margin: Int64[np.ndarray, "strata"],
) -> Chain:
    """Peel as `peel` does, but drop rows of a stratum only while their summed `costs` stay within its `margin`.

    A unit whose live rows cost a stratum more than it may still lose is kept, to the end: each later step takes from
    the margin at least what it takes from the unit's rows. The kept units are the chain's last state but one; in the
    last, with none, they are dropped together. O(pairs).
    """
    row_end = np.zeros(len(incidence.row_start) - 1, np.int32)
    unit_end = np.zeros(len(load), np.int32)
    queue = build_queue(load + np.diff(incidence.unit_start))
    steps = _peel_within(incidence, queue, load, stratum, costs, margin.copy(), row_end, unit_end)
    row_end[(row_end == 0) & (np.diff(incidence.row_start) > 0)] = steps + 1
    unit_end[unit_end == 0] = steps + 1
    return Chain(row_end, unit_end)


def build_queue(score: Int64[np.ndarray, "things"]) -> BucketQueue:
    """The queue of things by `score`, equal ones in the order in which they come; it changes `score` itself."""
    order = np.argsort(score, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return BucketQueue(order, place, score, np.searchsorted(score[order], np.arange(score.max(initial=0) + 1)))


@njit(cache=True)
def _peel(incidence, queue, load, row_end, unit_end, dropped):  # type: ignore[no-untyped-def]
    """Fills the last three, all 0 before; `…_end` is the first state that a row or unit is missing from."""
    state = 0
    for head in range(len(queue.order)):
        unit = queue.order[head]
        if unit_end[unit] == 0:
            state += 1
            dropped[unit] = _drop(incidence, queue, load, row_end, unit_end, head, unit, state)


@njit(cache=True)
def _peel_within(  # type: ignore[no-untyped-def]
    incidence, queue, load, stratum, costs, margin, row_end, unit_end
):
    """Fills the last two, as `_peel` does, but leaves at 0 what is kept; takes from `margin`; returns the steps."""
    state = 0
    for head in range(len(queue.order)):
        unit = queue.order[head]
        if unit_end[unit] == 0 and _charge(incidence, stratum, costs, margin, row_end, unit):
            state += 1
            _drop(incidence, queue, load, row_end, unit_end, head, unit, state)
    return state


@njit
def _charge(incidence, stratum, costs, margin, row_end, unit):  # type: ignore[no-untyped-def]
    """Take the live rows of `unit` from the margins of their strata and return True; change nothing if one is short."""
    unit_start, unit_rows = incidence.unit_start, incidence.unit_rows
    for i in range(unit_start[unit], unit_start[unit + 1]):
        row = unit_rows[i]
        if row_end[row] == 0:
            margin[stratum[row]] -= costs[row]
            if margin[stratum[row]] < 0:
                for j in range(unit_start[unit], i + 1):
                    if row_end[unit_rows[j]] == 0:
                        margin[stratum[unit_rows[j]]] += costs[unit_rows[j]]
                return False
    return True


@njit
def _drop(incidence, queue, load, row_end, unit_end, head, unit, state):  # type: ignore[no-untyped-def]
    """Drop `unit`, its live rows, and the units that have no row then; returns the number of those rows."""
    row_start, row_units, unit_start, unit_rows = incidence
    rows = 0
    unit_end[unit] = state
    for i in range(unit_start[unit], unit_start[unit + 1]):
        row = unit_rows[i]
        if row_end[row] > 0:
            continue
        row_end[row] = state
        rows += 1
        for j in range(row_start[row], row_start[row + 1]):
            carried = row_units[j]
            if unit_end[carried] == 0:
                lower_score(queue, head + 1, carried)
                if queue.score[carried] == load[carried]:
                    unit_end[carried] = state
    return rows


@njit(inline="always")
def lower_score(queue, head, thing):  # type: ignore[no-untyped-def]
    """Lower the score of `thing` by 1: it changes places with the first of its score, which then begin behind it.

    Places before `head` are done with: a unit there, kept by a stratum, stays where it is.
    """
    order, place, score, first = queue
    if place[thing] < head:
        score[thing] -= 1
        return
    origin, to = place[thing], max(first[score[thing]], head)
    neighbor = order[to]
    order[origin], order[to] = neighbor, thing
    place[neighbor], place[thing] = origin, to
    first[score[thing]] = to + 1
    score[thing] -= 1
