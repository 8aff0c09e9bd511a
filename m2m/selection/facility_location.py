"""Turns vectors into a subset that has a near row for every row: facility location."""

from heapq import heapify, heappop, heappush
from math import ceil, log
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numba import njit

from m2m.selection.neighbors import find_nearest_rows

FACILITY_NEIGHBORS = 30
FACILITY_MISS = 0.01  # stochastic: chance that no row at hand is among the best, which are as many as are chosen


def choose_facilities(
    vectors: Float32[np.ndarray, "rows dim"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
    greedy: Literal["lazy", "stochastic"] = "lazy",
    neighbors: int = FACILITY_NEIGHBORS,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`, each the one that raises Σ_i max_{j chosen} s_ij most.

    s_ij is the cosine of two rows of which one is among the `neighbors` nearest of the other, and at least 0; s_ii is
    1; all else is 0 (Mirchandani & Francis 1990; sparse as in Wei, Iyer & Bilmes 2015). "lazy" is the exact greedy of
    Minoux 1978, within 1 − 1/e of the best; ties are broken at random. "stochastic" takes the best of rows / chosen ·
    ln(1 / 0.01) free rows at random (Mirzasoleiman et al. 2015), so that seeds differ. Nearest rows take
    rows² · dim / 2, the greedy near O(edges · log rows). Vectors have norm 1; `size` is at most what is inside.
    """
    order = rng.permutation(np.flatnonzero(inside))
    similarity = _build_similarity(vectors[order], min(neighbors, len(order) - 1))
    graph = similarity.indptr.astype(np.int64), similarity.indices.astype(np.int64), similarity.data
    chosen = np.empty(len(order), np.int64)
    if greedy == "lazy":
        turns = _choose_lazily(*graph, costs[order], size, chosen)
    else:
        hand = ceil(costs[order].sum() / size * log(1 / FACILITY_MISS))
        turns = _choose_from_hands(*graph, costs[order], size, hand, chosen, rng)
    return np.asarray(order[chosen[:turns]])


def _build_similarity(vectors: Float32[np.ndarray, "rows dim"], neighbors: int) -> Any:
    """The symmetric similarity as a CSR matrix."""
    from scipy.sparse import csr_matrix, eye

    rows = len(vectors)
    if neighbors == 0:
        return csr_matrix(eye(rows))
    nearest, cosines = find_nearest_rows(vectors, neighbors)
    starts = np.arange(0, rows * neighbors + 1, neighbors)
    directed = csr_matrix((np.clip(cosines, 0, 1).ravel().astype(np.float64), nearest.ravel(), starts), (rows, rows))
    similarity = csr_matrix(directed.maximum(directed.T) + eye(rows))
    similarity.sort_indices()
    return similarity


@njit(inline="always")
def _gain(start, neighbors, similarity, covered, row):  # type: ignore[no-untyped-def]
    gain = 0.0
    for i in range(start[row], start[row + 1]):
        gain += max(similarity[i] - covered[neighbors[i]], 0.0)
    return gain


@njit(inline="always")
def _cover(start, neighbors, similarity, covered, row):  # type: ignore[no-untyped-def]
    for i in range(start[row], start[row + 1]):
        covered[neighbors[i]] = max(covered[neighbors[i]], similarity[i])


@njit(cache=True)
def _choose_lazily(start, neighbors, similarity, costs, size, chosen):  # type: ignore[no-untyped-def]
    """Fills `chosen` and returns the number of turns; ties go to the first row. A gain only falls."""
    covered = np.zeros(len(costs))
    queue = [(-_gain(start, neighbors, similarity, covered, row), row) for row in range(len(costs))]
    heapify(queue)
    turns, spent = 0, 0
    while spent < size:
        _, row = heappop(queue)
        entry = (-_gain(start, neighbors, similarity, covered, row), row)
        if len(queue) > 0 and entry > queue[0]:
            heappush(queue, entry)
            continue
        _cover(start, neighbors, similarity, covered, row)
        chosen[turns] = row
        turns += 1
        spent += costs[row]
    return turns


@njit(cache=True)
def _choose_from_hands(start, neighbors, similarity, costs, size, hand, chosen, rng):  # type: ignore[no-untyped-def]
    """Fills `chosen`, whose end holds the free rows, and returns the number of turns."""
    covered = np.zeros(len(costs))
    for row in range(len(costs)):
        chosen[row] = row
    turns, spent = 0, 0
    while spent < size:
        best, best_place = -1.0, -1
        for place in range(turns, min(turns + hand, len(chosen))):
            swap = place + int(rng.random() * (len(chosen) - place))
            chosen[place], chosen[swap] = chosen[swap], chosen[place]
            gain = _gain(start, neighbors, similarity, covered, chosen[place])
            if gain > best:
                best, best_place = gain, place
        row = chosen[best_place]
        chosen[turns], chosen[best_place] = row, chosen[turns]
        _cover(start, neighbors, similarity, covered, row)
        turns += 1
        spent += costs[row]
    return turns
