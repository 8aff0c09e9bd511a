"""Turns a candidate pool into a subset that covers its units as evenly as they allow."""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64
from numba import njit

from m2m.selection.incidence import Incidence
from m2m.selection.length_strata import Strata
from m2m.selection.prune import Chain

Weights = Literal["uniform", "inverse"]


class Draw(NamedTuple):
    """The chosen rows in the order in which they were chosen, and the unit that each was chosen for."""

    rows: Int32[np.ndarray, "chosen"]
    units: Int32[np.ndarray, "chosen"]


def sample(
    incidence: Incidence,
    chain: Chain,
    state: int,
    costs: Int64[np.ndarray, "rows"],
    size: int,
    weights: Weights,
    rng: np.random.Generator,
    strata: Strata | None = None,
) -> Draw:
    """Choose distinct candidates of one state of the chain until their summed `costs` reach `size`.

    Served next is always the unit that the fewest chosen rows carry, ties at random; a unit without a candidate that is
    still free leaves. The row is drawn from the unit's free candidates, each as likely ("uniform"), or with weight
    1 / (units in the row) ("inverse"). At costs of 1, `size` is the number of rows. O(pairs), and at "inverse" the
    draws that are rejected. ValueError when all candidates together cost less than `size`.

    With `strata`, a stratum closes when its quota is spent: its candidates are free no more. What its last row costs
    too much is taken off the quotas of those still open, so that `size` is exceeded by less than one row.
    """
    free = chain.candidates(state)
    available = int(costs[free].sum())
    if size > available:
        raise ValueError(f"size must be at most what the candidate pool holds, {available}, got {size}: take less")
    chosen = np.empty((2, free.sum()), np.int32)
    chance = _chances(np.diff(incidence.row_start), free, weights)
    free_counts = np.diff(incidence.unit_start)
    queue = _queue(np.flatnonzero(chain.unit_end > state), free_counts)
    *starts, unit_rows = incidence
    stratum, quota = (np.zeros(len(free), np.int32), np.array([size])) if strata is None else strata[:2]
    pool = (*starts, unit_rows.copy(), free_counts, free, stratum, quota > 0, quota.copy(), chance, costs)
    turns = _serve(*pool, *queue, size, rng, *chosen)
    return Draw(*chosen[:, :turns])


def _chances(
    carried: Int64[np.ndarray, "rows"], candidates: Bool[np.ndarray, "rows"], weights: Weights
) -> Float64[np.ndarray, "rows"]:
    """The share of its draws that a row accepts: its weight over the largest weight of a candidate."""
    if weights == "uniform":
        return np.ones(len(carried))
    return np.asarray(carried[candidates].min() / np.maximum(carried, 1))


def _queue(
    live: Int64[np.ndarray, "live"], row_counts: Int64[np.ndarray, "units"]
) -> tuple[Int64[np.ndarray, "..."], ...]:
    """The live units by count, the chosen rows that carry each, fewest first; each unit's place there; the counts, all
    0 at first, at most the rows that a unit has; and for each count the place behind the last unit of that count.
    """
    place = np.empty_like(row_counts)
    place[live] = np.arange(len(live))
    return live, place, np.zeros_like(row_counts), np.full(row_counts.max() + 1, len(live))


@njit(cache=True)
def _serve(  # type: ignore[no-untyped-def]
    row_start,
    row_units,
    start,
    rows,
    free_counts,
    free,
    stratum,
    is_open,
    gap,
    chance,
    costs,
    queue,
    place,
    count,
    end,
    size,
    rng,
    chosen,
    served,
):
    """Fills `chosen` with rows and `served` with their units, and returns the number of turns.

    `rows[start[u] : start[u] + free_counts[u]]` are the free rows of unit u. Exhausted units are in `queue` before
    `head`. `gap` is what each open stratum lacks, `surplus` what the closed ones have too much.
    """
    head, fewest, turns, spent, surplus = 0, 0, 0, 0, 0
    while spent < size:
        while end[fewest] <= head:
            fewest += 1
        unit = queue[head + int(rng.random() * (end[fewest] - head))]
        row = _take(rows, start, free_counts, free, stratum, is_open, chance, unit, rng)
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
        gap[stratum[row]] -= costs[row]
        if gap[stratum[row]] <= surplus:
            surplus = _close(is_open, gap, surplus, stratum[row])
    return turns


@njit(inline="always")
def _close(is_open, gap, surplus, stratum):  # type: ignore[no-untyped-def]
    """Close `stratum`, and then each that lacks no more than the surplus; returns the surplus that is left."""
    is_open[stratum] = False
    surplus -= gap[stratum]
    for other in range(len(gap)):
        if is_open[other] and gap[other] <= surplus:
            is_open[other] = False
            surplus -= gap[other]
    return surplus


@njit(inline="always")
def _take(rows, start, free_counts, free, stratum, is_open, chance, unit, rng):  # type: ignore[no-untyped-def]
    """Draw a free row of `unit`, which then is free no more; −1 when there is none. Others drop out."""
    while free_counts[unit] > 0:
        index = start[unit] + int(rng.random() * free_counts[unit])
        row = rows[index]
        if not free[row] or not is_open[stratum[row]]:
            free_counts[unit] -= 1
            rows[index] = rows[start[unit] + free_counts[unit]]
        elif rng.random() < chance[row]:
            free[row] = False
            return row
    return -1


@njit(inline="always")
def _move(queue, place, unit, to):  # type: ignore[no-untyped-def]
    """Let `unit` change places with the unit at `to`."""
    neighbor, origin = queue[to], place[unit]
    queue[origin], queue[to] = neighbor, unit
    place[neighbor], place[unit] = origin, to
