"""Turns an incidence into a subset that covers the most units per token: greedy cover."""

from heapq import heapify, heappop, heappush

import numpy as np
from jaxtyping import Bool, Int64
from numba import njit

from m2m.selection.incidence import Incidence


def choose_covering_rows(
    incidence: Incidence,
    lengths: Int64[np.ndarray, "rows"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`, each with the most uncovered units over its `lengths`.

    When no free row carries an uncovered unit, the cover starts over: all units are uncovered again. Rows without a
    unit come last. Ties are broken at random. `lengths` are at least 1; `size` is at most what is inside. This is the
    greedy cover of Chvátal 1979 with the lazy evaluation of Minoux 1978: a row's worth only falls during a cover, so it
    is counted again only when the row comes first. Near O(pairs) a cover.
    """
    shuffled = rng.permutation(np.flatnonzero(inside))
    is_empty = np.diff(incidence.row_start)[shuffled] == 0
    order = shuffled[~is_empty]
    covered = np.zeros(len(incidence.unit_start) - 1, np.bool_)
    chosen = np.empty_like(order)
    turns = _cover(incidence.row_start, incidence.row_units, lengths, costs, order, covered, size, chosen)
    rows = np.append(chosen[:turns], shuffled[is_empty])
    return rows[: costs[rows].cumsum().searchsorted(size) + 1]


@njit(cache=True)
def _cover(row_start, row_units, lengths, costs, order, covered, size, chosen):  # type: ignore[no-untyped-def]
    """Fills `chosen` and returns the number of turns; each row of `order` has a unit, and ties go to the first row."""
    free = list(range(len(order)))
    turns, spent = 0, 0
    while spent < size and len(free) > 0:
        covered[:] = False
        queue = [(_rate(row_start, row_units, lengths, covered, order[place]), place) for place in free]
        heapify(queue)
        free.clear()
        while spent < size and len(queue) > 0:
            bound, place = heappop(queue)
            row = order[place]
            rate = _rate(row_start, row_units, lengths, covered, row)
            if rate == 0:
                free.append(place)
            elif rate > bound:
                heappush(queue, (rate, place))
            else:
                chosen[turns] = row
                turns += 1
                spent += costs[row]
                for i in range(row_start[row], row_start[row + 1]):
                    covered[row_units[i]] = True
    return turns


@njit(inline="always")
def _rate(row_start, row_units, lengths, covered, row):  # type: ignore[no-untyped-def]
    """Minus the uncovered units of `row` over its length, so that a heap has the largest first."""
    count = 0
    for i in range(row_start[row], row_start[row + 1]):
        count += not covered[row_units[i]]
    return -count / lengths[row]
