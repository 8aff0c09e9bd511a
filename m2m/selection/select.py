"""Turns an incidence and a degree into a subset: prunes, picks the state of the chain, samples from it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int64

from m2m.selection.degree import find_degree_states, get_degree_state
from m2m.selection.incidence import Incidence
from m2m.selection.prune import Chain, prune
from m2m.selection.sample import Draw, Weights, sample
from m2m.shannon import entropy_bits


class Selection(NamedTuple):
    """A subset and how it came about."""

    chain: Chain
    states: list[int]
    """the chain's state of each degree 0 … 6"""
    state: int
    """the one that the subset was drawn from"""
    draw: Draw


def select(
    incidence: Incidence,
    costs: Int64[np.ndarray, "rows"],
    *,
    degree: int,
    size: int,
    slack: float,
    weights: Weights,
    rng: np.random.Generator,
) -> Selection:
    """A subset of summed `costs` `size` or, by less than one row, more, evenly over the units of `degree`.

    ValueError for a degree outside 0 … 6, a slack below 1, and a size that is below 1 or more than the pool holds.
    """
    chain = prune(incidence)
    states = find_degree_states(chain.units_left(), chain.rows_left(costs), size, slack)
    state = get_degree_state(states, degree)
    return Selection(chain, states, state, sample(incidence, chain, state, costs, size, weights, rng))


def replace_rows(selection: Selection, rows: Int64[np.ndarray, "chosen"]) -> Selection:
    """The same chain with other rows, in their order, all chosen for its first unit: where every row has that one."""
    return selection._replace(draw=Draw(rows.astype(np.int32), np.zeros(len(rows), np.int32)))


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
    return entropy_bits(counts) / float(np.log2(len(counts))) if len(counts) > 1 else 1.0
