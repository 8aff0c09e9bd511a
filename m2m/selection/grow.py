"""Turns an incidence into a core: few units whose rows alone fill every stratum of length."""

import numpy as np
from jaxtyping import Bool, Int32, Int64
from numba import njit

from m2m.selection.incidence import Incidence
from m2m.selection.prune import build_queue, lower_score


def grow_core(
    incidence: Incidence,
    stratum: Int32[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    need: Int64[np.ndarray, "strata"],
    noise: float,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "units"]:
    """Units that are added until, in each stratum, the rows with all their units among them cost `need`: O(pairs).

    Strata are filled from the last to the first: the longest rows carry most units, and these then serve shorter rows
    too. Each time, the row that lacks the fewest units gets them; with `noise`, a random row of those that lack at
    most 1 + noise times the fewest. No stratum may need more than its rows with a unit cost.
    """
    carried = np.diff(incidence.row_start)
    # A range of scores for each stratum: one queue then has, stratum by stratum, the rows by the units that they lack.
    width = int(carried.max(initial=0)) + 1
    queue = build_queue(stratum * width + carried)
    scores = np.arange(len(need) * width + 1)
    first = np.concatenate([queue.first, np.full(max(0, len(scores) - len(queue.first)), len(carried))])
    complete = np.bincount(stratum[carried == 0], minlength=len(need))
    core = np.zeros(len(incidence.unit_start) - 1, np.bool_)
    head = first[: len(need) * width : width] + complete
    _grow(incidence, queue._replace(first=first), width, stratum, costs, need.copy(), head, noise, rng, core)
    return core


@njit(cache=True)
def _grow(  # type: ignore[no-untyped-def]
    incidence, queue, width, stratum, costs, need, head, noise, rng, core
):
    """Fills `core`; `head` has for each stratum the place of the first row that lacks a unit."""
    row_start, row_units, unit_start, unit_rows = incidence
    for filled in range(len(need) - 1, -1, -1):
        while need[filled] > 0:
            chosen = head[filled]
            if noise > 0:
                lacked = int((queue.score[queue.order[chosen]] - filled * width) * (1 + noise))
                end = queue.first[filled * width + min(lacked + 1, width)]
                chosen += int(rng.random() * (end - chosen))
            row = queue.order[chosen]
            for i in range(row_start[row], row_start[row + 1]):
                unit = row_units[i]
                if core[unit]:
                    continue
                core[unit] = True
                for j in range(unit_start[unit], unit_start[unit + 1]):
                    carrying = unit_rows[j]
                    lower_score(queue, 0, carrying)
                    if queue.score[carrying] == stratum[carrying] * width:
                        head[stratum[carrying]] += 1
                        need[stratum[carrying]] -= costs[carrying]
