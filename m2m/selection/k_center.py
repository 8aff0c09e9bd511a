"""Turns vectors into a subset that leaves no row far from it: greedy k-center."""

from heapq import heappop, heappush

import numpy as np
from jaxtyping import Bool, Float32, Int64
from numba import njit

from m2m.selection.shards import EXACT_ROWS, split_rows


def choose_farthest_rows(
    vectors: Float32[np.ndarray, "rows dim"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
    exact_rows: int = EXACT_ROWS,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`, each the farthest from all before, the first at random.

    Gonzalez 1985; the k-center greedy of Sener & Savarese 2018, algorithm 1. Vectors have norm 1, so the farthest row
    is the one whose largest cosine with a chosen row is smallest; ties at random. No row is then farther from the
    subset than twice what the best subset of as many rows allows. O(rows) memory; rows × chosen cosines at most, since
    a row is compared with chosen ones only while it may be the farthest. `size` is at most what is inside.

    More than `exact_rows` rows are split into random shards, and rows are chosen in each, then from what all chose. No
    row is then farther than 4 times what the best subset allows (Malkomes et al. 2015), of as many rows as
    the fewest that a shard or the end took: with costs of 1, as many as are chosen.
    """
    order = rng.permutation(np.flatnonzero(inside))
    shards = split_rows(order, exact_rows)
    if len(shards) > 1:
        order = rng.permutation(np.concatenate([_take_farthest(vectors, costs, size, shard) for shard in shards]))
    return _take_farthest(vectors, costs, size, order)


def _take_farthest(
    vectors: Float32[np.ndarray, "all dim"],
    costs: Int64[np.ndarray, "all"],
    size: int,
    order: Int64[np.ndarray, "rows"],
) -> Int64[np.ndarray, "chosen"]:
    """Rows of `order`, the first of it first, until their costs reach `size`; all where they do not."""
    places = np.empty_like(order)
    turns = _farthest(vectors[order], costs[order], min(size, int(costs[order].sum())), places)
    return np.asarray(order[places[:turns]])


@njit(cache=True, fastmath={"reassoc", "contract"})
def _farthest(vectors, costs, size, chosen):  # type: ignore[no-untyped-def]
    """Fills `chosen` and returns the number of turns; ties go to the first row.

    `queue` holds each free row's largest cosine with the first `seen` chosen rows. It only grows with more of them, so
    a row is the farthest once it has compared all and still is in front.
    """
    queue = [(np.float32(-2), row) for row in range(len(vectors))]
    compared = np.zeros(len(vectors), np.int64)
    turns, spent = 0, 0
    while spent < size:
        nearest, row = heappop(queue)
        runner_up = queue[0] if queue else (np.float32(2), row)
        while compared[row] < turns and (nearest, row) < runner_up:
            center = chosen[compared[row]]
            cosine = np.float32(0)
            for i in range(vectors.shape[1]):
                cosine += vectors[row, i] * vectors[center, i]
            nearest = max(nearest, cosine)
            compared[row] += 1
        if (nearest, row) < runner_up:
            chosen[turns] = row
            turns += 1
            spent += costs[row]
        else:
            heappush(queue, (nearest, row))
    return turns
