"""Turns an incidence into candidates whose lengths are the pool's: pruned inside strata of like response length."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64

from m2m.selection.degrees import DEGREES, find_degree_states, require_budget
from m2m.selection.incidence import Incidence, group_pairs
from m2m.selection.prune import Chain, prune

STRATA = 25
ROWS_PER_STRATUM = 4  # expected rows of the subset; a smaller subset has fewer strata


class Strata(NamedTuple):
    """Rows of like response length, and what a subset takes from each stratum."""

    stratum: Int32[np.ndarray, "rows"]
    """ascending with the length; rows outside the length window have one too, and no unit"""
    quota: Int64[np.ndarray, "strata"]
    """in rows or in tokens, like the size of the subset, to which they sum"""
    shortfall: float
    """what strata cannot hold of their shares, so that others take it"""


def assign_strata(
    lengths: Int64[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    inside: Bool[np.ndarray, "rows"],
    carrying: Bool[np.ndarray, "rows"],
    size: int,
) -> Strata:
    """Cut the rows `inside` at lengths into at most 25 strata, each with its share of `size`.

    Strata are equal in share of rows + share of tokens, so that few rows are in one where lengths spread far. The quota
    of a stratum is its share of the summed `costs` of all rows inside, as a random subset has it in expectation. Rows
    of equal length share a stratum. Only rows that are `carrying` a unit can be chosen: what a stratum cannot hold goes
    to the others in proportion to their shares. ValueError for a size below 1, or above what the carrying rows hold.
    """
    usable = inside & carrying
    require_budget(size, 1, int(costs[usable].sum()))
    expected_rows = size / costs[inside].mean()
    cuts = _cut_lengths(lengths[inside], min(STRATA, max(1, int(expected_rows) // ROWS_PER_STRATUM)))
    stratum = np.searchsorted(cuts, lengths, side="left").astype(np.int32)
    share = np.bincount(stratum[inside], costs[inside], len(cuts) + 1)
    room = np.bincount(stratum[usable], costs[usable], len(cuts) + 1)
    shortfall = np.maximum(size * share / share.sum() - room, 0).sum()
    return Strata(stratum, _round(_fill(share, room, size)), float(shortfall))


def prune_strata(
    incidence: Incidence, strata: Strata, costs: Int64[np.ndarray, "rows"], slack: float
) -> tuple[Chain, list[int]]:
    """A chain whose states are the degrees, each pruned stratum by stratum, and the state of each degree 0 … 6.

    Every degree keeps slack · quota in each stratum, or all that the stratum holds where that is less. Inside a stratum
    a degree has the meaning that it has without strata: from the fewest units that suffice to all units. A unit is in
    a state if it is in one stratum's. Strata share no pair of row and unit, so one pass over all of them peels each as
    if it were alone: O(pairs · log pairs + rows · strata).
    """
    blocks, unit, stratum = _split_units(incidence, strata)
    chain = prune(blocks)
    row_degree = np.full(len(strata.stratum), len(DEGREES))
    unit_degree = np.full(len(incidence.unit_start) - 1, len(DEGREES))
    for number in np.flatnonzero(strata.quota):
        rows, own = strata.stratum == number, stratum == number
        peeled = _renumber_states(chain.row_end[rows], chain.unit_end[own])
        quota = int(strata.quota[number])
        states = find_degree_states(peeled.units_left(), peeled.rows_left(costs[rows]), quota, slack)
        row_degree[rows] = _find_first_degrees(peeled.row_end, states)
        unit_degree[unit[own]] = np.minimum(unit_degree[unit[own]], _find_first_degrees(peeled.unit_end, states))
    return _chain_degrees(row_degree, unit_degree)


def _cut_lengths(lengths: Int64[np.ndarray, "rows"], strata: int) -> Int64[np.ndarray, "cuts"]:
    """The longest length of each stratum but the last; strata are equal in share of rows + share of tokens."""
    ordered = np.sort(lengths)
    weight = (ordered.sum() + len(ordered) * ordered).cumsum()
    cuts = np.unique(ordered[weight.searchsorted(np.arange(1, strata) / strata * weight[-1])])
    return np.asarray(cuts[cuts < ordered[-1]])


def _fill(
    share: Float64[np.ndarray, "strata"], room: Float64[np.ndarray, "strata"], size: int
) -> Float64[np.ndarray, "strata"]:
    """`size` in proportion to `share`, no stratum above its `room`; each round fills a stratum or is the last."""
    quota = np.zeros_like(room)
    for _ in room:
        is_open = quota < room
        missing = size - quota.sum()
        if missing <= 0 or not is_open.any():
            break
        quota += np.where(is_open, missing * share / share[is_open].sum(), 0)
        quota = np.minimum(quota, room)
    return quota


def _round(quota: Float64[np.ndarray, "strata"]) -> Int64[np.ndarray, "strata"]:
    """Whole numbers less than 1 away that sum to the same: rounding the running sum keeps the mean length."""
    running = np.floor(quota.cumsum().round(6) + 0.5).astype(np.int64)
    return np.diff(running, prepend=0)


def _split_units(
    incidence: Incidence, strata: Strata
) -> tuple[Incidence, Int64[np.ndarray, "blocks"], Int64[np.ndarray, "blocks"]]:
    """The incidence of rows and blocks, a block being a unit in a stratum; the unit and the stratum of each block."""
    row = np.repeat(np.arange(len(strata.stratum), dtype=np.int32), np.diff(incidence.row_start))
    pairs = incidence.row_units.astype(np.int64) * len(strata.quota) + strata.stratum[row]
    blocks, block = np.unique(pairs, return_inverse=True)
    unit, stratum = np.divmod(blocks, len(strata.quota))
    return group_pairs(row, block.astype(np.int32), len(strata.stratum), len(blocks)), unit, stratum


def _renumber_states(row_end: Int32[np.ndarray, "rows"], unit_end: Int32[np.ndarray, "units"]) -> Chain:
    """The chain of some rows and units, whose states are numbered without gaps."""
    ends = np.unique(np.append(0, unit_end))
    return Chain(*(ends.searchsorted(end).astype(np.int32) for end in (row_end, unit_end)))


def _find_first_degrees(end: Int32[np.ndarray, "things"], states: list[int]) -> Int64[np.ndarray, "things"]:
    """The lowest degree at which each row or unit is in; 7 where none is."""
    return np.asarray((end[:, None] <= np.array(states)).sum(axis=1))


def _chain_degrees(
    row_degree: Int64[np.ndarray, "rows"], unit_degree: Int64[np.ndarray, "units"]
) -> tuple[Chain, list[int]]:
    """The chain of rows and units by the lowest degree that has them, and its state at each degree.

    Degrees that keep the same rows and units are one state.
    """
    firsts = np.unique(np.concatenate([row_degree, unit_degree]))
    firsts = firsts[firsts < len(DEGREES)]
    ends = [(len(firsts) - firsts.searchsorted(first)).astype(np.int32) for first in (row_degree, unit_degree)]
    return Chain(*ends), (len(firsts) - firsts.searchsorted(DEGREES, side="right")).tolist()
