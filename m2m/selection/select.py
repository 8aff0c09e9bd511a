"""Selects a subset from an incidence at a degree: prunes, finds the degree's state of the chain, samples from it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from m2m.arrays import entropy_bits
from m2m.selection.degrees import (
    find_degree_states,
    find_separating_need,
    get_degree_state,
    group_equal_degrees,
    spread_degrees,
)
from m2m.selection.incidence import Incidence
from m2m.selection.length_strata import Strata, prune_strata
from m2m.selection.prune import Chain, measure_loads, peel
from m2m.selection.sample import Draw, Weights, sample

PEEL_STREAM = 1  # of random numbers, beside those that sample rows


class Dial(NamedTuple):
    """The candidate pools of the seven degrees."""

    chain: Chain
    states: list[int]
    """the chain's state of each degree 0 … 6"""
    strata: Strata | None = None
    """the strata of response length that it was pruned in, if any"""


class Selection(NamedTuple):
    """A subset and how it came about."""

    chain: Chain
    states: list[int]
    """the chain's state of each degree 0 … 6"""
    state: int
    """the state that the subset was drawn from"""
    draw: Draw
    strata: Strata | None = None
    """the strata of response length that it was pruned and sampled in, if any"""


def build_dial(
    incidence: Incidence,
    costs: Int64[np.ndarray, "rows"],
    size: int,
    slack: float,
    strata: Strata | None = None,
    noise: float = 0.0,
    seed: int = 0,
) -> Dial:
    """The chain of `incidence` and its seven degrees; see `find_degree_states`.

    With `strata`, whose quotas sum to `size`, a subset has random's lengths at every degree: it is pruned and sampled
    inside strata of response length. With `noise`, each `seed` prunes other units; see `measure_loads`. ValueError for
    a slack below 1, a noise outside 0 … 1, and a size below 1 or above what the pool holds.
    """
    rng = np.random.default_rng([seed, PEEL_STREAM])
    if strata is not None:
        chain = prune_strata(incidence, strata, costs, slack, noise, rng)
        k = chain.units_left()
        return Dial(chain, spread_degrees(k, int(k[-2])), strata)
    chain, _ = peel(incidence, measure_loads(incidence, noise, rng))
    return Dial(chain, find_degree_states(chain.units_left(), chain.rows_left(costs), size, slack))


def select_at_degree(
    incidence: Incidence,
    dial: Dial,
    costs: Int64[np.ndarray, "rows"],
    *,
    degree: int,
    size: int,
    weights: Weights,
    rng: np.random.Generator,
) -> Selection:
    """A subset of summed `costs` `size` or, by less than one row, more, evenly over the units of `degree` in 0 … 6."""
    state = get_degree_state(dial.states, degree)
    draw = sample(incidence, dial.chain, state, costs, size, weights, rng, dial.strata)
    return Selection(dial.chain, dial.states, state, draw, dial.strata)


def replace_rows(selection: Selection, rows: Int64[np.ndarray, "chosen"]) -> Selection:
    """The same chain with other rows, in their order, all chosen for its first unit, which every row must carry."""
    return selection._replace(draw=Draw(rows.astype(np.int32), np.zeros(len(rows), np.int32)))


def explain_equal_degrees(
    selection: Selection, costs: Int64[np.ndarray, "rows"], size: int, slack: float, budget: str
) -> str:
    """Which degrees give one subset, why, and which size or slack separates all seven; empty where they differ."""
    groups = group_equal_degrees(selection.states)
    if not groups:
        return ""
    k, amounts = selection.chain.units_left(), selection.chain.rows_left(costs)
    named = "; ".join(f"degrees {', '.join(map(str, group))} are one subset" for group in groups)
    if selection.strata is not None:
        strata = np.count_nonzero(selection.strata.quota)
        reach = f"slack {slack:g} · size {size} {budget} in {strata} strata of length leave {k[-2]} to {k[0]} units"
        return f"{named}: {reach}. Take a smaller size or slack, a larger pool, or subset.lengths: free."
    reach = f"slack {slack:g} · size {size} = {slack * size:g} {budget} leave {k[selection.states[0]]} to {k[0]} units"
    if slack * size > amounts[0]:
        reach = f"slack {slack:g} · size {size} = {slack * size:g} {budget} is more than the pool's {amounts[0]}"
    need = find_separating_need(k, amounts)
    return f"{named}: {reach}. {_propose_separation(need, int(k[0]), size, slack)}"


def describe_chain(selection: Selection) -> dict[str, object]:
    """The candidate pool that was drawn from, and k: of this degree, and of all seven."""
    k_by_degree = selection.chain.units_left()[selection.states].tolist()
    return {
        "candidate_rows": int(selection.chain.candidates(selection.state).sum()),
        "k": int(selection.chain.units_left()[selection.state]),
        "k_by_degree": k_by_degree,
        "k_max": k_by_degree[-1],
        "k_min": k_by_degree[0],
    }


def describe_draw(
    incidence: Incidence,
    selection: Selection,
    tokens: Int64[np.ndarray, "rows"],
    characters: Int64[np.ndarray, "rows"],
) -> dict[str, object]:
    """How many rows were drawn, how evenly they carry the k units, how long their responses are (no end token)."""
    rows = selection.draw.rows
    chosen = np.zeros(len(tokens), np.bool_)
    chosen[rows] = True
    counts = incidence.counts(chosen)
    return {
        "k_evenness": measure_evenness(counts[selection.chain.unit_end > selection.state]),
        "mean_response_characters": float(characters[rows].mean()),
        "mean_response_tokens": float(tokens[rows].mean()),
        "response_tokens": int(tokens[rows].sum()),
        "rows": len(rows),
        "units_covered": int(np.count_nonzero(counts)),
    }


def measure_evenness(counts: Int64[np.ndarray, "units"]) -> float:
    """Shannon entropy of the counts over that of equal counts, zeros included, 0 … 1; a single unit is even."""
    return min(entropy_bits(counts) / float(np.log2(len(counts))), 1.0) if len(counts) > 1 else 1.0  # by rounding


def _propose_separation(need: int | None, k_max: int, size: int, slack: float) -> str:
    if need is None:
        return f"No size separates seven degrees: the strategy has {k_max} units here."
    proposals = [f"a size of at most {int(need / slack)}"] if need >= slack else []
    proposals += [f"a slack of at most {int(100 * need / size) / 100:g}"] if need >= size else []
    return f"All seven differ with {' or '.join(proposals)}." if proposals else "A larger pool separates them."
