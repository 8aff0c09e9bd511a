"""Clusters a seeded sample of the rows; every other row gets the cluster of most of its nearest rows in the sample."""

from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from m2m.parallel import map_slices
from m2m.units.macro.clusters import BLAS_THREADS, NOISE_LABEL, FitSettings, cluster_vectors, number_by_size

BLOCK_ROWS = 512  # rows compared with the sample at once


class SampledClusters(NamedTuple):
    """`labels` are those of `cluster_vectors`; `agreement` says how far the assignment can be trusted."""

    labels: Int64[np.ndarray, "rows"]
    agreement: float
    """the share of the sample that its other rows would give the cluster that it has"""


def cluster_by_sample(
    vectors: Float32[np.ndarray, "rows dim"], sample: int, settings: FitSettings, *, verbose: bool = False
) -> SampledClusters:
    """As `cluster_vectors`, of `sample` rows drawn by the seed; sizes are in rows of the sample.

    A row outside the sample gets the label, noise included, that most of its `n_neighbors` nearest sampled rows have by
    cosine; of equally frequent ones the smaller. Time is linear in the rows. ValueError where the sample is not smaller
    than the pool, or holds no cluster.
    """
    if sample >= len(vectors):
        raise ValueError(f"cluster.sample must be below the pool's {len(vectors)} rows, got {sample}: set it to null")
    rows = np.sort(np.random.default_rng(settings.seed).choice(len(vectors), sample, replace=False))
    fitted = cluster_vectors(vectors[rows], settings, verbose=verbose)
    count = min(settings.n_neighbors, sample - 1)
    again = assign_by_neighbors(vectors[rows], vectors[rows], fitted, count, skip_self=True)
    labels = assign_by_neighbors(vectors, vectors[rows], fitted, count)
    labels[rows] = fitted
    return SampledClusters(number_by_size(labels), float((again == fitted).mean()))


def assign_by_neighbors(
    vectors: Float32[np.ndarray, "rows dim"],
    sample: Float32[np.ndarray, "sample dim"],
    labels: Int64[np.ndarray, "sample"],
    count: int,
    *,
    skip_self: bool = False,
) -> Int64[np.ndarray, "rows"]:
    """The most frequent of the `labels` of the `count` most similar rows of `sample`, by cosine; ties to the smaller.

    Vectors have norm 1. `skip_self`: row i is row i of the sample, and is not its neighbour.
    """
    starts = range(0, len(vectors), BLOCK_ROWS)
    blocks = ((vectors[start : start + BLOCK_ROWS], start if skip_self else None) for start in starts)
    return np.concatenate(list(map_slices(partial(_assign_block, sample, labels, count), blocks)))


def _assign_block(
    sample: Float32[np.ndarray, "sample dim"],
    labels: Int64[np.ndarray, "sample"],
    count: int,
    block: tuple[Float32[np.ndarray, "block dim"], int | None],
) -> Int64[np.ndarray, "block"]:
    vectors, start = block
    with threadpool_limits(BLAS_THREADS, user_api="blas"):  # another number changes the last bits
        similarity = vectors @ sample.T
    if start is not None:
        own = np.arange(len(vectors))
        similarity[own, start + own] = -2
    near = np.argpartition(-similarity, count - 1, axis=1)[:, :count]
    votes = np.zeros((len(vectors), labels.max() - NOISE_LABEL + 1), np.int32)
    np.add.at(votes, (np.arange(len(vectors))[:, None], labels[near] - NOISE_LABEL), 1)
    return np.asarray(votes.argmax(axis=1) + NOISE_LABEL)
