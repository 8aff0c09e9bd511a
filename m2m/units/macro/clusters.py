"""Clusters vectors: exact nearest neighbours, UMAP, then HDBSCAN, numbered from the largest cluster down."""

import warnings
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float32, Int32, Int64
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

Neighbors = Literal["exact", "nndescent", "auto"]
MOST_EXACT_ROWS = 50_000  # of auto: above, exact neighbours take minutes
NOISE_LABEL = -1
# always: another number of threads changes the last bits, and clusters with them (adjusted Rand index 0.55)
BLAS_THREADS = 2
SECONDS_PER_PAIR = 0.7 / 7_000**2  # of rows, on two cores
LONG_SECONDS = 600
BLOCK = 256  # rows compared at once: 117K rows then need 0.5 GB


class FitSettings(NamedTuple):
    """How UMAP and HDBSCAN are fitted."""

    seed: int
    """of UMAP"""
    n_neighbors: int
    """neighbours per row"""
    n_components: int
    """dimensions that UMAP leaves"""
    min_cluster_size: int
    """the smallest cluster of HDBSCAN, in rows"""
    min_samples: int
    """of HDBSCAN: a larger value puts more rows into the noise cluster"""
    neighbors: Neighbors
    """their search: "exact" takes time with rows²; "nndescent" is UMAP's own, nearly linear, approximate, and compiles
    for minutes in every process; "auto" is exact up to 50,000 rows"""


def cluster_vectors(
    vectors: Float32[np.ndarray, "rows dim"], settings: FitSettings, *, verbose: bool = False
) -> Int64[np.ndarray, "rows"]:
    """The cluster of each row, −1 for noise; cluster 0 is the largest, ties go to the smaller first row.

    UMAP under cosine distance at min_dist 0, then HDBSCAN, Euclidean, excess of mass: the pipeline of BERTopic
    (Grootendorst 2022), seeded. `verbose`: UMAP prints its steps and epochs. Labels depend on row order: sort rows
    first. ValueError when there are too few rows to embed, or when all are noise.
    """
    seed, n_neighbors, n_components, min_cluster_size, min_samples, neighbors = settings
    search = resolve_neighbors(neighbors, len(vectors))
    reduced = reduce_vectors(vectors, seed, n_neighbors, n_components, search, verbose)
    from hdbscan import HDBSCAN

    fitted = HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min_samples, core_dist_n_jobs=1).fit(reduced)
    if fitted.labels_.max() == NOISE_LABEL:
        raise ValueError(
            f"no cluster among {len(vectors)} rows at min_cluster_size {min_cluster_size}, min_samples {min_samples}: "
            "lower them, or use a larger pool"
        )
    return number_by_size(fitted.labels_.astype(np.int64))


def resolve_neighbors(neighbors: Neighbors, rows: int) -> Literal["exact", "nndescent"]:
    """The search for so many rows: what "auto" stands for, else `neighbors` itself."""
    if neighbors == "auto":
        return "exact" if rows <= MOST_EXACT_ROWS else "nndescent"
    return neighbors


def describe_exact_time(rows: int, neighbors: Neighbors) -> str:
    """What an exact search over so many rows costs, and the way round it; empty below ten minutes."""
    seconds = SECONDS_PER_PAIR * rows**2
    if neighbors != "exact" or seconds < LONG_SECONDS:
        return ""
    return (
        f"exact neighbours of {rows:,} rows compare each row with every other: about {seconds / 3600:.1f} hours on two "
        "cores. cluster.neighbors: nndescent is approximate and takes time with the rows, not with their square; "
        "cluster.sample fits some of the rows"
    )


def number_by_size(labels: Int64[np.ndarray, "rows"]) -> Int64[np.ndarray, "rows"]:
    """The labels renumbered 0, 1, … by decreasing size, ties by their first row; −1 stays."""
    old, first, size = np.unique(labels[labels != NOISE_LABEL], return_index=True, return_counts=True)
    new = np.full(old.max(initial=NOISE_LABEL) + 2, NOISE_LABEL)
    new[old[np.lexsort((first, -size))]] = np.arange(len(old))
    renumbered: Int64[np.ndarray, rows] = new[labels]
    return renumbered


def assign_nearest(
    labels: Int64[np.ndarray, "rows"], vectors: Float32[np.ndarray, "rows dim"]
) -> Int64[np.ndarray, "rows"]:
    """Noise rows get the cluster whose mean vector is most similar to theirs by cosine; the others stay."""
    members = labels != NOISE_LABEL
    sums = np.zeros((labels.max() + 1, vectors.shape[1]), np.float64)
    np.add.at(sums, labels[members], vectors[members])
    directions = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    assigned = labels.copy()
    assigned[~members] = (vectors[~members] @ directions.T).argmax(axis=1)
    return assigned


def find_neighbors(
    vectors: Float32[np.ndarray, "rows dim"], count: int
) -> tuple[Int32[np.ndarray, "rows count"], Float32[np.ndarray, "rows count"]]:
    """The `count` ≤ rows nearest rows of each row and their cosine distances: itself first at 0, then nearest first.

    Vectors have norm 1. Equal distances are ordered by row; which of several equal last ones is in is NumPy's choice.
    Brute force, rows² · dim: 0.7 s at 7,000 rows on two cores. `describe_exact_time` warns before.
    """
    with threadpool_limits(BLAS_THREADS, user_api="blas"):
        blocks = [_compare_block(vectors, start, count) for start in range(0, len(vectors), BLOCK)]
    return np.concatenate([rows for rows, _ in blocks]), np.concatenate([distances for _, distances in blocks])


def reduce_vectors(
    vectors: Float32[np.ndarray, "rows dim"],
    seed: int,
    n_neighbors: int,
    n_components: int,
    neighbors: Literal["exact", "nndescent"],
    verbose: bool,
) -> Float32[np.ndarray, "rows components"]:
    """UMAP under cosine distance at min_dist 0, seeded; ValueError when there are too few rows to embed."""
    rows = len(vectors)
    if rows < n_components + 3:  # the spectral start needs n_components + 1 eigenvectors of a rows × rows matrix
        raise ValueError(
            f"cluster.n_components {n_components} needs at least {n_components + 3} rows, got {rows}: lower it"
        )
    from umap import UMAP, layouts, umap_

    epoch = layouts._nb_optimize_layout_euclidean_single_epoch
    for compiled in (umap_.smooth_knn_dist, umap_.compute_membership_strengths, epoch):
        compiled.enable_caching()  # UMAP would compile them again in every process, for twelve seconds
    count = min(n_neighbors, rows - 1)
    reducer = UMAP(
        n_neighbors=count,
        n_components=n_components,
        min_dist=0.0,
        metric="cosine",
        random_state=seed,
        n_jobs=1,  # more would ignore the seed
        verbose=verbose,
        precomputed_knn=find_neighbors(vectors, count) if neighbors == "exact" else (None, None, None),
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "precomputed_knn")  # UMAP could not place new rows; there are none
        reduced: Float32[np.ndarray, "rows components"] = reducer.fit_transform(vectors)
    return reduced


def _compare_block(
    vectors: Float32[np.ndarray, "rows dim"], start: int, count: int
) -> tuple[Int32[np.ndarray, "block count"], Float32[np.ndarray, "block count"]]:
    distances = np.maximum(1 - vectors[start : start + BLOCK] @ vectors.T, 0)
    block = np.arange(len(distances))
    distances[block, start + block] = -1  # before any twin
    near = np.argpartition(distances, count - 1, axis=1)[:, :count]
    near = np.take_along_axis(near, np.lexsort((near, np.take_along_axis(distances, near, 1)), axis=1), 1)
    distances[block, start + block] = 0
    return near.astype(np.int32), np.take_along_axis(distances, near, 1)
