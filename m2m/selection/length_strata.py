"""Turns an incidence into candidate pools whose lengths are the pool's: no stratum of length is pruned too far."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64

from m2m.selection.degrees import require_budget
from m2m.selection.grow import grow_core
from m2m.selection.incidence import Incidence, group_pairs
from m2m.selection.prune import Chain, measure_loads, peel_within_margins

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
    capacity = np.bincount(stratum[usable], costs[usable], len(cuts) + 1)
    shortfall = np.maximum(size * share / share.sum() - capacity, 0).sum()
    return Strata(stratum, _round(_fill(share, capacity, size)), float(shortfall))


def prune_strata(
    incidence: Incidence,
    strata: Strata,
    costs: Int64[np.ndarray, "rows"],
    slack: float,
    noise: float,
    rng: np.random.Generator,
) -> Chain:
    """The chain of candidate pools that hold slack · quota in each stratum, or all of it where it holds less: O(pairs).

    All strata share the units. The fewest units, the state before the last, are those that a stratum cannot spare. Of
    two chains it is the one that ends with fewer: units are peeled as in `prune`; or first all but a core that alone
    fills the strata, which serves units that long rows carry many of. Rows of a stratum without a quota take no part.
    With `noise`, each `rng` has a chain of its own. ValueError for a slack below 1, and as `measure_loads`.
    """
    require_budget(1, slack, 1)
    incidence = _keep_rows(incidence, strata.quota[strata.stratum] > 0)
    carrying = np.diff(incidence.row_start) > 0
    carried = np.bincount(strata.stratum[carrying], costs[carrying], len(strata.quota))
    margin = np.floor(carried - np.minimum(slack * strata.quota, carried)).astype(np.int64)
    load = measure_loads(incidence, noise, rng)
    core = grow_core(incidence, strata.stratum, costs, carried.astype(np.int64) - margin, noise, rng)
    loads = load, load + core * (load.max(initial=0) + len(costs))  # the core's units come last
    chains = [peel_within_margins(incidence, order, strata.stratum, costs, margin) for order in loads]
    return min(chains, key=lambda chain: int(chain.units_left()[-2]))


def _cut_lengths(lengths: Int64[np.ndarray, "rows"], strata: int) -> Int64[np.ndarray, "cuts"]:
    """The longest length of each stratum but the last; strata are equal in share of rows + share of tokens."""
    ordered = np.sort(lengths)
    weight = (ordered.sum() + len(ordered) * ordered).cumsum()
    cuts = np.unique(ordered[weight.searchsorted(np.arange(1, strata) / strata * weight[-1])])
    return np.asarray(cuts[cuts < ordered[-1]])


def _fill(
    share: Float64[np.ndarray, "strata"], capacity: Float64[np.ndarray, "strata"], size: int
) -> Float64[np.ndarray, "strata"]:
    """`size` in proportion to `share`, no stratum above its `capacity`; each round fills a stratum or is the last."""
    quota = np.zeros_like(capacity)
    for _ in capacity:
        is_open = quota < capacity
        missing = size - quota.sum()
        if missing <= 0 or not is_open.any():
            break
        quota += np.where(is_open, missing * share / share[is_open].sum(), 0)
        quota = np.minimum(quota, capacity)
    return quota


def _round(quota: Float64[np.ndarray, "strata"]) -> Int64[np.ndarray, "strata"]:
    """Whole numbers less than 1 away that sum to the same: rounding the running sum keeps the mean length."""
    running = np.floor(quota.cumsum().round(6) + 0.5).astype(np.int64)
    return np.diff(running, prepend=0)


def _keep_rows(incidence: Incidence, mask: Bool[np.ndarray, "rows"]) -> Incidence:
    """The incidence without the pairs of other rows, which carry no unit then."""
    row = np.repeat(np.arange(len(mask), dtype=np.int32), np.diff(incidence.row_start))
    pairs = mask[row]
    return group_pairs(row[pairs], incidence.row_units[pairs], len(mask), len(incidence.unit_start) - 1)
