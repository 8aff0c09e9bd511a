"""Turns vectors into cluster labels: UMAP, then HDBSCAN, numbered from the largest cluster down."""

import warnings
from typing import Literal

import numpy as np
from jaxtyping import Float32, Int64

from m2m.units.macro.neighbors import find_neighbors

Neighbors = Literal["exact", "nndescent"]
NOISE_LABEL = -1


def cluster_vectors(
    vectors: Float32[np.ndarray, "rows dim"],
    seed: int,
    n_neighbors: int,
    n_components: int,
    min_cluster_size: int,
    min_samples: int,
    neighbors: Neighbors,
    *,
    verbose: bool = False,
) -> Int64[np.ndarray, "rows"]:
    """The cluster of each row, −1 for noise; cluster 0 is the largest, ties go to the smaller first row.

    UMAP under cosine distance to `n_components` dimensions at min_dist 0, then HDBSCAN, Euclidean, excess of mass: the
    pipeline of BERTopic (Grootendorst 2022), seeded. `neighbors`: "exact" takes time with rows²; "nndescent" is
    UMAP's own search, near linear, approximate, and compiles for minutes in every process. `verbose`: UMAP tells its
    steps and epochs. Labels depend on row order: sort rows first. ValueError when there are too few rows to embed, or
    when all are noise.
    """
    reduced = _reduced(vectors, seed, n_neighbors, n_components, neighbors, verbose)
    from hdbscan import HDBSCAN

    found = HDBSCAN(min_cluster_size=min_cluster_size, min_samples=min_samples, core_dist_n_jobs=1).fit(reduced)
    if found.labels_.max() == NOISE_LABEL:
        raise ValueError(
            f"no cluster among {len(vectors)} rows at min_cluster_size {min_cluster_size}, min_samples {min_samples}: "
            "lower them, or take a larger pool"
        )
    return number_by_size(found.labels_.astype(np.int64))


def number_by_size(labels: Int64[np.ndarray, "rows"]) -> Int64[np.ndarray, "rows"]:
    """The labels renumbered 0, 1, … by falling size, ties by the first row that carries them; −1 stays."""
    old, first, size = np.unique(labels[labels != NOISE_LABEL], return_index=True, return_counts=True)
    new = np.full(old.max(initial=NOISE_LABEL) + 2, NOISE_LABEL)
    new[old[np.lexsort((first, -size))]] = np.arange(len(old))
    renumbered: Int64[np.ndarray, rows] = new[labels]
    return renumbered


def assign_nearest(
    labels: Int64[np.ndarray, "rows"], vectors: Float32[np.ndarray, "rows dim"]
) -> Int64[np.ndarray, "rows"]:
    """Noise rows get the cluster whose mean vector has the highest cosine similarity to theirs; the others stay."""
    members = labels != NOISE_LABEL
    sums = np.zeros((labels.max() + 1, vectors.shape[1]), np.float64)
    np.add.at(sums, labels[members], vectors[members])
    directions = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    assigned = labels.copy()
    assigned[~members] = (vectors[~members] @ directions.T).argmax(axis=1)
    return assigned


def _reduced(
    vectors: Float32[np.ndarray, "rows dim"],
    seed: int,
    n_neighbors: int,
    n_components: int,
    neighbors: Neighbors,
    verbose: bool,
) -> Float32[np.ndarray, "rows components"]:
    rows = len(vectors)
    if rows < n_components + 3:  # the spectral start needs n_components + 1 eigenvectors of a rows × rows matrix
        raise ValueError(f"{n_components} components need at least {n_components + 3} rows, got {rows}")
    from umap import UMAP, layouts, umap_

    epoch = layouts._nb_optimize_layout_euclidean_single_epoch
    for compiled in (umap_.smooth_knn_dist, umap_.compute_membership_strengths, epoch):
        compiled.enable_caching()  # UMAP would compile them anew in every process, for twelve seconds
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
        warnings.filterwarnings("ignore", "precomputed_knn")  # it could not place new rows; there are none
        reduced: Float32[np.ndarray, "rows components"] = reducer.fit_transform(vectors)
    return reduced
