"""What a sample, parallel UMAP and fast_hdbscan change of the clusters: `python -m bench.sampled VECTORS.parquet`.

VECTORS is the out of `embed` (id, vector). Every line is compared with the fit of all rows by seed 1. "equal" is the
share of rows in the same cluster once clusters are matched one to one; noise is a cluster of its own.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score

from m2m.arrays import stack_vectors
from m2m.units.macro.clusters import NOISE_LABEL, FitSettings, cluster_vectors, find_neighbors, reduce_vectors
from m2m.units.macro.sampled_clusters import cluster_by_sample

NEIGHBORS, COMPONENTS, SIZE, SAMPLES = 15, 5, 15, 5
SETTINGS = FitSettings(1, NEIGHBORS, COMPONENTS, SIZE, SAMPLES, "exact")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--rows", type=int, default=20_000, help="the first, by id")
    flags = parser.parse_args()
    vectors = stack_vectors(pl.read_parquet(flags.vectors).sort("id")["vector"].head(flags.rows))
    warnings.simplefilter("ignore")
    print(f"{len(vectors)} rows\n| fit | CPU seconds | by the clock | clusters | noise | ARI | equal |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    reference = report("all rows, seed 1", lambda: cluster_vectors(vectors, SETTINGS), None)
    report("all rows, seed 2", lambda: cluster_vectors(vectors, SETTINGS._replace(seed=2)), reference)
    for share in (0.5, 0.25, 0.1):
        sample = int(share * len(vectors))
        report(f"{sample} rows, the rest by nearest rows", partial(by_sample, vectors, sample), reference)
    half = len(vectors) // 2
    small = SETTINGS._replace(min_cluster_size=SIZE // 2)
    report(f"{half} rows, clusters from {SIZE // 2} rows", lambda: by_sample(vectors, half, small), reference)
    report(f"{half} rows, the rest by approximate_predict", lambda: by_prediction(vectors, half), reference)
    first = report("UMAP in parallel, unseeded", lambda: in_parallel(vectors), reference)
    report("the same again, against the first", lambda: in_parallel(vectors), first)
    reduced = reduce_vectors(vectors, 1, NEIGHBORS, COMPONENTS, "exact", False)
    slow = report("HDBSCAN alone", lambda: by_hdbscan(reduced), reference)
    report("fast_hdbscan alone, against it", lambda: by_fast_hdbscan(reduced), slow)


def report(name: str, fit: Callable[[], np.ndarray], reference: np.ndarray | None) -> np.ndarray:
    begin, clock = time.process_time(), time.perf_counter()
    labels = fit()
    seconds, waited = time.process_time() - begin, time.perf_counter() - clock
    against = "– | –"
    if reference is not None:
        against = f"{adjusted_rand_score(reference, labels):.2f} | {share_equal(reference, labels):.1%}"
    noise = (labels == NOISE_LABEL).mean()
    print(f"| {name} | {seconds:.1f} | {waited:.1f} | {labels.max() + 1} | {noise:.1%} | {against} |", flush=True)
    return labels


def share_equal(first: np.ndarray, second: np.ndarray) -> float:
    """The largest share of rows of equal label over all ways to name the clusters of `second`."""
    counts = np.zeros((first.max() + 2, second.max() + 2), np.int64)
    np.add.at(counts, (first + 1, second + 1), 1)
    rows, columns = linear_sum_assignment(-counts[1:, 1:])
    return float((counts[0, 0] + counts[1:, 1:][rows, columns].sum()) / len(first))


def by_sample(vectors: np.ndarray, sample: int, settings: FitSettings = SETTINGS) -> np.ndarray:
    labels, agreement = cluster_by_sample(vectors, sample, settings)
    print(f"{agreement:.1%} of the sample agree with their nearest rows")
    return labels


def by_prediction(vectors: np.ndarray, sample: int) -> np.ndarray:
    from hdbscan import HDBSCAN, approximate_predict
    from umap import UMAP

    rows = np.sort(np.random.default_rng(1).choice(len(vectors), sample, replace=False))
    reducer = UMAP(
        n_neighbors=NEIGHBORS, n_components=COMPONENTS, min_dist=0.0, metric="cosine", random_state=1, n_jobs=1
    ).fit(vectors[rows])
    fitted = HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES, prediction_data=True).fit(reducer.embedding_)
    labels = approximate_predict(fitted, reducer.transform(vectors))[0].astype(np.int64)
    labels[rows] = fitted.labels_
    return labels


def in_parallel(vectors: np.ndarray) -> np.ndarray:
    from umap import UMAP

    nearest = find_neighbors(vectors, NEIGHBORS)
    reducer = UMAP(
        n_neighbors=NEIGHBORS, n_components=COMPONENTS, min_dist=0.0, metric="cosine", precomputed_knn=nearest, n_jobs=2
    )
    return by_hdbscan(reducer.fit_transform(vectors))


def by_hdbscan(reduced: np.ndarray) -> np.ndarray:
    from hdbscan import HDBSCAN

    fitted = HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES, core_dist_n_jobs=1).fit(reduced)
    return fitted.labels_.astype(np.int64)


def by_fast_hdbscan(reduced: np.ndarray) -> np.ndarray:
    from fast_hdbscan import HDBSCAN

    return HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES).fit_predict(reduced).astype(np.int64)


if __name__ == "__main__":
    main()
