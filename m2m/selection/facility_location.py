"""Turns vectors into a subset that has a near row for every row: facility location."""

from functools import partial
from heapq import heapify, heappop, heappush
from math import ceil, log
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numba import njit

from m2m.selection.neighbors import find_nearest_references, find_nearest_rows
from m2m.selection.shards import EXACT_ROWS, split_rows

FACILITY_NEIGHBORS = 30
FACILITY_MISS = 0.01  # stochastic: chance that no row at hand is among the best, which are as many as are chosen
Greedy = Literal["lazy", "stochastic"]


def choose_facilities(
    vectors: Float32[np.ndarray, "rows dim"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
    greedy: Greedy = "lazy",
    neighbors: int = FACILITY_NEIGHBORS,
    exact_rows: int = EXACT_ROWS,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`, each the one that raises Σ_i max_{j chosen} s_ij most.

    s_ij is the cosine of two rows of which one is among the `neighbors` nearest of the other, and at least 0; s_ii is
    1; all else is 0 (Mirchandani & Francis 1990; sparse as in Wei, Iyer & Bilmes 2015). "lazy" is the exact greedy of
    Minoux 1978, within 1 − 1/e of the best; ties are broken at random. "stochastic" takes the best of rows / chosen ·
    ln(1 / 0.01) free rows at random (Mirzasoleiman et al. 2015), so that seeds differ. Nearest rows take
    rows² · dim / 2, the greedy near O(edges · log rows). Vectors have norm 1; `size` is at most what is inside.

    More than `exact_rows` rows are split into random shards: GreeDi (Mirzasoleiman et al. 2013). Rows are chosen in
    each, then from what all chose; the best of that set and of those of the shards is taken. A shard sums over its own
    rows, the end over as many at random (their section on decomposable functions). Where these stand for all rows and
    costs are 1, the expected sum of "lazy" is within (1 − 1/e) / 2 of the best (Barbosa et al. 2015).
    """
    shards = split_rows(rng.permutation(np.flatnonzero(inside)), exact_rows)
    choose = partial(_choose_places, size=size, rng=rng, greedy=greedy)
    choices = [shard[choose(_build_similarity(vectors[shard], neighbors), costs[shard])] for shard in shards]
    if len(shards) == 1:
        return np.asarray(choices[0])
    candidates, judges = np.concatenate(choices), rng.permutation(np.concatenate(shards))[: len(shards[0])]
    similarity = _compare(vectors, candidates, judges, neighbors)
    ends = np.cumsum([len(choice) for choice in choices])
    sets = [choose(similarity, costs[candidates]), *np.split(np.arange(len(candidates)), ends[:-1])]
    enough = [places for places in sets if costs[candidates[places]].sum() >= size]  # not a shard that is smaller
    return np.asarray(candidates[max(enough, key=lambda places: float(similarity[places].max(axis=0).sum()))])


def _choose_places(
    similarity: Any, costs: Int64[np.ndarray, "rows"], size: int, rng: np.random.Generator, greedy: Greedy
) -> Int64[np.ndarray, "chosen"]:
    """Rows of the CSR matrix `similarity` that serve its columns."""
    graph = similarity.indptr.astype(np.int64), similarity.indices.astype(np.int64), similarity.data
    covered, chosen = np.zeros(similarity.shape[1]), np.empty(len(costs), np.int64)
    reach = min(size, int(costs.sum()))
    if greedy == "lazy":
        turns = _choose_lazily(*graph, covered, costs, reach, chosen)
    else:
        hand = ceil(costs.sum() / reach * log(1 / FACILITY_MISS))
        turns = _choose_from_hands(*graph, covered, costs, reach, hand, chosen, rng)
    return chosen[:turns]


def _compare(
    vectors: Float32[np.ndarray, "all dim"],
    candidates: Int64[np.ndarray, "candidates"],
    judges: Int64[np.ndarray, "judges"],
    neighbors: int,
) -> Any:
    """The similarity of candidates and judges as a CSR matrix: of a judge its nearest candidates, and 1 to itself."""
    from scipy.sparse import csr_matrix

    count, shape = min(neighbors, len(candidates) - 1), (len(judges), len(candidates))
    nearest, cosines = find_nearest_references(vectors, candidates.astype(np.int32), count, judges)
    starts = np.arange(0, len(judges) * count + 1, count)
    near = csr_matrix((np.clip(cosines, 0, 1).ravel().astype(np.float64), nearest.ravel(), starts), shape)
    _, own_judge, own_candidate = np.intersect1d(judges, candidates, assume_unique=True, return_indices=True)
    own = csr_matrix((np.ones(len(own_judge)), (own_judge, own_candidate)), shape)
    similarity = csr_matrix(near.maximum(own).T)
    similarity.sort_indices()
    return similarity


def _build_similarity(vectors: Float32[np.ndarray, "rows dim"], neighbors: int) -> Any:
    """The symmetric similarity as a CSR matrix."""
    from scipy.sparse import csr_matrix, eye

    rows = len(vectors)
    neighbors = min(neighbors, rows - 1)
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
def _choose_lazily(start, neighbors, similarity, covered, costs, size, chosen):  # type: ignore[no-untyped-def]
    """Fills `covered`, zeros, and `chosen`; returns the number of turns. Ties go to the first row; gains only fall."""
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
def _choose_from_hands(start, neighbors, similarity, covered, costs, size, hand, chosen, rng):  # type: ignore[no-untyped-def]
    """Fills `covered`, zeros, and `chosen`, whose end holds the free rows; returns the number of turns."""
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
