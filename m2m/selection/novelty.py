"""Turns vectors into a subset of rows that are new to it where the pool is dense: NovelSelect."""

from math import ceil, log

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from m2m.selection.neighbors import find_nearest_references

NOVELTY_MISS = 0.05  # chance that no row at hand is among the best, which are as many as are chosen
DENSITY_NEIGHBORS, DENSITY_POWER = 10, 0.5
REFERENCES = 20_000  # rows that density is measured in
SMALLEST_DISTANCE = 1e-3  # twins would have an infinite density


def choose_novel_rows(
    vectors: Float32[np.ndarray, "rows dim"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
    miss: float = NOVELTY_MISS,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` until their summed `costs` reach `size`, each the most novel of those at hand; the first at random.

    NovelSelect (Yang et al. 2025), with novelty as in `m2m.diversity.novel_sum`: the mean cosine distance to the chosen
    rows with weight 1 / rank, nearest first, times √density. Its greedy looks at every row in every step. Here rows /
    chosen · ln(1 / `miss`) free rows at random are at hand (Mirzasoleiman et al. 2015), so rows · chosen ·
    ln(1 / `miss`) / 2 distances are looked at; where `miss` is so small that all rows are at hand, it is the plain
    greedy. Density is measured in at most 20,000 rows at random. BLAS is held to one thread. Vectors have norm 1.
    """
    free = rng.permutation(np.flatnonzero(inside))
    hand = ceil(costs[free].sum() / size * log(1 / miss))
    factor = np.zeros(len(inside))
    factor[free] = measure_density(vectors[free], rng) ** DENSITY_POWER
    taken = np.empty((min(len(free), size), vectors.shape[1]), np.float32)
    weights = 1 / np.arange(1, len(taken) + 1)
    turns, spent = 0, 0
    with threadpool_limits(1, user_api="blas"):
        while spent < size:
            best = turns
            if turns:
                shown = min(hand, len(free) - turns)
                _deal(free, turns, shown, rng)
                at_hand = free[turns : turns + shown]
                novelty = _weigh_distances(vectors[at_hand] @ taken[:turns].T, weights[:turns])
                best = turns + int((factor[at_hand] * novelty).argmax())
            free[turns], free[best] = free[best], free[turns]
            taken[turns] = vectors[free[turns]]
            spent += costs[free[turns]]
            turns += 1
    return np.asarray(free[:turns])


def measure_density(vectors: Float32[np.ndarray, "rows dim"], rng: np.random.Generator) -> Float64[np.ndarray, "rows"]:
    """1 / the mean cosine distance of each row to its 10 nearest others of at most 20,000 rows at random.

    The distance is at least 0.001; a single row has density 1.
    """
    count = min(DENSITY_NEIGHBORS, len(vectors) - 1, REFERENCES - 1)
    if count == 0:
        return np.ones(len(vectors))
    references = np.sort(rng.permutation(len(vectors))[:REFERENCES]).astype(np.int32)
    distance = (1 - find_nearest_references(vectors, references, count)).mean(axis=1, dtype=np.float64)
    return np.asarray(1 / np.maximum(distance, SMALLEST_DISTANCE))


def _deal(free: Int64[np.ndarray, "rows"], turns: int, shown: int, rng: np.random.Generator) -> None:
    """Put `shown` free rows at random behind the first `turns`."""
    places = turns + rng.choice(len(free) - turns, shown, replace=False, shuffle=False)
    others = np.setdiff1d(np.arange(turns, turns + shown), places)
    rows, displaced = free[places], free[others]
    free[places[places >= turns + shown]] = displaced
    free[turns : turns + shown] = rows


def _weigh_distances(
    cosines: Float32[np.ndarray, "hand turns"], weights: Float64[np.ndarray, "turns"]
) -> Float64[np.ndarray, "hand"]:
    """The mean distance of each row, weight 1 for the nearest, 1/2 for the next, and so on."""
    cosines.sort(axis=1)
    return np.asarray(1 - cosines[:, ::-1] @ weights / weights.sum())
