"""Turns tags into a subset: InsTag's complexity first, and MIG's information gain on a graph of tags."""

from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numba import njit

from m2m.selection.incidence import Incidence

MIG_POWER, MIG_START = 0.8, 1e-6  # the slope of (z + start)^power is finite where nothing is known
MIG_COSINE = 0.2  # tags whose rows overlap less are not joined


def choose_instag(
    incidence: Incidence,
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`: those with most tags first, each with a tag that is new.

    The complexity-first diverse sampling of InsTag (Lu et al. 2024, algorithm 1). When no free row has a new tag, all
    tags are new again. Rows without a tag come last; ties are broken at random. O(pairs) a round. `size` is at
    most what is inside.
    """
    shuffled = rng.permutation(np.flatnonzero(inside))
    tags = np.diff(incidence.row_start)[shuffled]
    order = shuffled[np.argsort(-tags, kind="stable")]
    tagged = order[: np.count_nonzero(tags)]
    chosen = np.empty_like(tagged)
    seen_in = np.full(len(incidence.unit_start) - 1, -1, np.int64)
    turns = _choose_new_tags(incidence.row_start, incidence.row_units, costs, tagged, seen_in, size, chosen)
    rows = np.append(chosen[:turns], order[len(tagged) :])
    return rows[: costs[rows].cumsum().searchsorted(size) + 1]


def choose_mig(
    incidence: Incidence,
    scores: Float64[np.ndarray, "rows"] | None,
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`, each the one along which Σ_tags z^0.8 rises steepest.

    MIG as its authors' code has it (Chen et al. 2025, github.com/yichengchen24/MIG): a row gives each of its tags its
    quality, the tags pass it on along the edges of the tag graph, and z is what a tag has from all chosen rows. The
    weights of the edges into a tag, its own of 1 among them, sum to 1. A row's gain is Σ_tags 0.8 · (z + 10⁻⁶)^−0.2 ·
    what it would add. An edge's weight is the cosine of the row sets of two tags where it is 0.2 or more (published: of
    the embeddings of their names, 0.9). Quality is a row's rank by score over the number of rows (published: the
    score); without `scores` it is 1. Lazy greedy, exact for this gain; rows without a tag come last, ties at random.
    Near O(pairs · edges of a tag · log rows).
    """
    order = rng.permutation(np.flatnonzero(inside))
    weights = _propagate(incidence)[order]
    if scores is not None:
        from scipy.sparse import diags
        from scipy.stats import rankdata

        weights = (diags(rankdata(np.nan_to_num(scores[order], nan=-np.inf)) / len(order)) @ weights).tocsr()
    chosen = np.empty(len(order), np.int64)
    graph = weights.indptr.astype(np.int64), weights.indices.astype(np.int64), weights.data
    turns = _choose_information(*graph, costs[order], weights.shape[1], size, chosen)
    return np.asarray(order[chosen[:turns]])


def _propagate(incidence: Incidence) -> Any:
    """What each row gives to each tag, rows × tags, as a CSR matrix."""
    from scipy.sparse import csr_matrix, diags, eye

    shape = len(incidence.row_start) - 1, len(incidence.unit_start) - 1
    carries = csr_matrix((np.ones(len(incidence.row_units)), incidence.row_units, incidence.row_start), shape)
    unit_length = carries @ diags(1 / np.sqrt(np.maximum(np.diff(incidence.unit_start), 1)))
    edges = (unit_length.T @ unit_length).tocsr()
    edges.data[edges.data < MIG_COSINE] = 0
    edges.setdiag(0)
    edges = (edges + eye(shape[1])).tocsr()
    edges.eliminate_zeros()
    weights = (carries @ edges @ diags(1 / np.asarray(edges.sum(axis=0)).ravel())).tocsr()
    weights.sort_indices()
    return weights


@njit(cache=True)
def _choose_new_tags(row_start, row_units, costs, order, seen_in, size, chosen):  # type: ignore[no-untyped-def]
    """Fills `chosen` and returns the number of turns; `seen_in` is the last round that had each tag."""
    is_free = np.ones(len(order), np.bool_)
    turns, spent, rounds = 0, 0, 0
    while spent < size and turns < len(order):
        for place in range(len(order)):
            row = order[place]
            if spent >= size or not is_free[place]:
                continue
            is_new = False
            for i in range(row_start[row], row_start[row + 1]):
                is_new |= seen_in[row_units[i]] < rounds
            if is_new:
                for i in range(row_start[row], row_start[row + 1]):
                    seen_in[row_units[i]] = rounds
                is_free[place] = False
                chosen[turns] = row
                turns += 1
                spent += costs[row]
        rounds += 1
    return turns


@njit(inline="always")
def _gain(start, tags, weights, information, row):  # type: ignore[no-untyped-def]
    gain = 0.0
    for i in range(start[row], start[row + 1]):
        gain += weights[i] * MIG_POWER * (information[tags[i]] + MIG_START) ** (MIG_POWER - 1)
    return gain


@njit(cache=True)
def _choose_information(start, tags, weights, costs, n_tags, size, chosen):  # type: ignore[no-untyped-def]
    """Fills `chosen` and returns the number of turns; ties go to the first row. A gain only falls."""
    information = np.zeros(n_tags)
    queue = [(-_gain(start, tags, weights, information, row), row) for row in range(len(costs))]
    heapify(queue)
    turns, spent = 0, 0
    while spent < size:
        _, row = heappop(queue)
        entry = (-_gain(start, tags, weights, information, row), row)
        if len(queue) > 0 and entry > queue[0]:
            heappush(queue, entry)
            continue
        for i in range(start[row], start[row + 1]):
            information[tags[i]] += weights[i]
        chosen[turns] = row
        turns += 1
        spent += costs[row]
    return turns
