"""Takes rows by falling score that are not too near to those before: the filter of DEITA, and GIST."""

from math import sqrt
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numba import njit
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from m2m.selection.neighbors import PRODUCT_THREADS

FILTERED_ROWS = 1024
DEITA_COSINE = 0.9
GIST_STEP = 1.1  # ratio of one distance to the next
GIST_DISTANCES = 2 / GIST_STEP ** np.arange(32)  # 2, the largest of unit vectors, down to 0.1


class Passed(NamedTuple):
    """What one pass over the rows took."""

    places: Int64[np.ndarray, "taken"]
    nearest: float
    """the largest cosine of two taken rows; −1 for fewer than two"""


def take_apart(
    vectors: Float32[np.ndarray, "rows dim"], costs: Int64[np.ndarray, "rows"], size: int, max_cosine: float
) -> Passed:
    """Places of the rows, first come first taken, whose cosine with each row taken before is below `max_cosine`.

    Ends when the summed `costs` of the taken reach `size`, or with the last row. O(rows · taken · dim).
    """
    vectors_taken = np.empty((min(len(vectors), size), vectors.shape[1]), np.float32)
    places: list[Int64[np.ndarray, block]] = []
    count, spent, nearest = 0, 0, -1.0
    with threadpool_limits(PRODUCT_THREADS, user_api="blas"):
        for start in range(0, len(vectors), FILTERED_ROWS):
            block = vectors[start : start + FILTERED_ROWS]
            before = (block @ vectors_taken[:count].T).max(axis=1, initial=-1)
            free = np.flatnonzero(before < max_cosine)
            among = block[free] @ block[free].T
            kept, largest = _thin(among, before[free], costs[start + free], size - spent, max_cosine)
            rows = free[kept]
            places.append(start + rows)
            vectors_taken[count : count + len(rows)] = block[rows]
            count, nearest = count + len(rows), max(nearest, largest)
            spent += int(costs[start + rows].sum())
            if spent >= size:
                break
    return Passed(np.concatenate(places), nearest)


def choose_deita(
    vectors: Float32[np.ndarray, "rows dim"],
    scores: Float64[np.ndarray, "rows"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
) -> tuple[Int64[np.ndarray, "chosen"], int]:
    """Rows `inside` by falling score with a cosine below 0.9 to each row before, and how many passes it took.

    The score-first, diversity-aware selection of DEITA (Liu et al. 2024), whose score is the product of a complexity
    and a quality: `subset.quality: complexity*quality`. Where the rows that pass do not suffice, another pass over the
    others begins. Rows without a score (NaN) come last, ties at random. `size` is at most what is inside.
    """
    order = _order_by_score(scores, inside, rng)
    choices, passes = [order[:0]], 0
    while (missing := size - sum(int(costs[choice].sum()) for choice in choices)) > 0:
        places = take_apart(vectors[order], costs[order], missing, DEITA_COSINE).places
        choices.append(order[places])
        order = np.delete(order, places)
        passes += 1
    return np.concatenate(choices), passes


def choose_gist(
    vectors: Float32[np.ndarray, "rows dim"],
    scores: Float64[np.ndarray, "rows"] | None,
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
    distance_weight: float = 1.0,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`, of high score and far from each other.

    Fahrbach et al. 2025: for each of a falling series of distances, take rows by utility that keep that distance from
    all before; return the best set by mean utility + `distance_weight` · (smallest distance of two rows) / 2. Only sets
    that reach `size` count. Utility is a row's rank by score over the number of rows, 0 without a score; without
    `scores` all are equal. O(rows · chosen · dim) a distance. Ties at random; `size` is at most what is inside.
    """
    order = _order_by_score(np.zeros(len(inside)) if scores is None else scores, inside, rng)
    utility = np.zeros(len(inside))
    if scores is not None:
        from scipy.stats import rankdata  # half a second of every subset

        has_score = inside & ~np.isnan(scores)
        utility[has_score] = rankdata(scores[has_score]) / inside.sum()
    points, prices = vectors[order], costs[order]
    best, best_value = order[:0], -1.0
    for distance in (*GIST_DISTANCES, 0.0):
        passed = take_apart(points, prices, size, 1 - distance**2 / 2 if distance else np.inf)
        if prices[passed.places].sum() < size:
            continue
        rows = order[passed.places]
        value = float(utility[rows].mean()) + distance_weight * sqrt(max(0.0, 2 - 2 * passed.nearest)) / 2
        if value > best_value:
            best, best_value = rows, value
        if scores is None:
            break  # the farthest that suffices
    return np.asarray(best)


def _order_by_score(
    scores: Float64[np.ndarray, "rows"], inside: Bool[np.ndarray, "rows"], rng: np.random.Generator
) -> Int64[np.ndarray, "inside"]:
    shuffled = rng.permutation(np.flatnonzero(inside))
    return np.asarray(shuffled[np.argsort(-scores[shuffled], kind="stable")])


@njit(cache=True)
def _thin(among, before, costs, size, max_cosine):  # type: ignore[no-untyped-def]
    """The rows of a block that are taken, and the largest cosine of one of them with any taken before."""
    kept, largest, spent = np.empty(len(costs), np.int64), -1.0, 0
    count = 0
    for row in range(len(costs)):
        if spent >= size:
            break
        nearest = before[row]
        for i in range(count):
            nearest = max(nearest, among[row, kept[i]])
        if nearest < max_cosine:
            kept[count] = row
            count += 1
            spent += costs[row]
            largest = max(largest, nearest)
    return kept[:count], largest
