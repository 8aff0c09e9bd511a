"""Chooses rows that are far from the chosen ones and in dense places, and rates a subset so: NovelSelect, NovelSum."""

from math import ceil, log

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from m2m.selection.neighbors import find_nearest_references

NOVELTY_MISS = 0.05  # chance that no row at hand is among the best, which are as many as are chosen
DENSITY_NEIGHBORS, DENSITY_POWER = 10, 0.5
REFERENCES = 20_000  # rows that density is measured in
NOVELTY_ROWS = 256  # rows rated at once
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

    NovelSelect as its authors' code has it (Yang et al. 2025, github.com/UmeanNever/NovelSum): to each chosen row a
    candidate has the cosine distance times the sum of both rows' √density; novelty is their mean with weight 1 / rank,
    smallest first. That greedy looks at every row in every step. Here rows / chosen · ln(1 / `miss`) free rows at
    random are at hand (Mirzasoleiman et al. 2015), so rows · chosen · ln(1 / `miss`) / 2 distances are looked at;
    where `miss` is so small that all rows are at hand, it is the plain greedy. Density is measured in at most 20,000
    rows at random. BLAS is held to one thread. Vectors have norm 1.
    """
    free = rng.permutation(np.flatnonzero(inside))
    hand = ceil(costs[free].sum() / size * log(1 / miss))
    factor = np.zeros(len(inside), np.float32)
    factor[free] = measure_density(vectors[free], rng) ** DENSITY_POWER
    centers = np.empty((min(len(free), size), vectors.shape[1]), np.float32)
    weights = (1 / np.arange(1, len(centers) + 1)).astype(np.float32)
    turns, spent = 0, 0
    with threadpool_limits(1, user_api="blas"):
        while spent < size:
            best = turns
            if turns:
                hand_size = min(hand, len(free) - turns)
                _deal(free, turns, hand_size, rng)
                at_hand = free[turns : turns + hand_size]
                distances = 1 - vectors[at_hand] @ centers[:turns].T
                distances *= factor[at_hand, None] + factor[free[:turns]]
                distances.sort(axis=1)
                best = turns + int((distances @ weights[:turns]).argmax())
            free[turns], free[best] = free[best], free[turns]
            centers[turns] = vectors[free[turns]]
            spent += costs[free[turns]]
            turns += 1
    return np.asarray(free[:turns])


def measure_density(
    vectors: Float32[np.ndarray, "all dim"], rng: np.random.Generator, rows: Int64[np.ndarray, "rows"] | None = None
) -> Float64[np.ndarray, "rows"]:
    """1 / the mean cosine distance of each of `rows`, or of all, to its 10 nearest others of at most 20,000 at random.

    The distance is at least 0.001; a single row has density 1.
    """
    count = min(DENSITY_NEIGHBORS, len(vectors) - 1, REFERENCES - 1)
    if count == 0:
        return np.ones(len(vectors) if rows is None else len(rows))
    references = np.sort(rng.permutation(len(vectors))[:REFERENCES]).astype(np.int32)
    queries = np.arange(len(vectors)) if rows is None else rows
    _, cosines = find_nearest_references(vectors, references, count, queries)
    distance = (1 - cosines).mean(axis=1, dtype=np.float64)
    return np.asarray(1 / np.maximum(distance, SMALLEST_DISTANCE))


def novel_sum(
    vectors: Float32[np.ndarray, "rows dim"],
    densities: Float64[np.ndarray, "rows"],
    distance_power: float = 1.0,
    density_power: float = 0.5,
) -> float:
    """Mean over rows of densityᵠ · the weighted mean of its cosine distances to all other rows.

    Yang et al. 2025 (arXiv 2502.17184): the r-th nearest has the weight 1 / rᵖ; p is `distance_power`, q is
    `density_power`. A row's own distance of 0 takes no part. `densities` are those of the rows in a reference, such as
    `measure_density` of the pool gives them. Vectors have norm 1; ValueError below two rows.
    O(rows² · (dim + log rows)); BLAS is held to one thread.
    """
    rows = len(vectors)
    if rows < 2:
        raise ValueError(f"novelty is between rows: at least 2 are needed, got {rows}")
    weights = np.arange(1, rows) ** -distance_power
    novelty = np.empty(rows)
    with threadpool_limits(1, user_api="blas"):
        for start in range(0, rows, NOVELTY_ROWS):
            distances = 1 - vectors[start : start + NOVELTY_ROWS] @ vectors.T
            block = np.arange(len(distances))
            distances[block, start + block] = -np.inf  # first, to be left out
            distances.sort(axis=1)
            novelty[start : start + NOVELTY_ROWS] = distances[:, 1:] @ weights / weights.sum()
    return float((densities**density_power * novelty).mean())


def _deal(free: Int64[np.ndarray, "rows"], turns: int, hand_size: int, rng: np.random.Generator) -> None:
    """Put `hand_size` free rows at random behind the first `turns`."""
    places = turns + rng.choice(len(free) - turns, hand_size, replace=False, shuffle=False)
    vacant = np.setdiff1d(np.arange(turns, turns + hand_size), places)
    rows, displaced = free[places], free[vacant]
    free[places[places >= turns + hand_size]] = displaced
    free[turns : turns + hand_size] = rows
