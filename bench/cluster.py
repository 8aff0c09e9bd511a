"""Times UMAP + HDBSCAN over made-up vectors against BERTopic's own pipeline with the same settings and seed.

`python -m bench.cluster [--vectors vectors.parquet] [--rows 10000]`: the peer searches neighbours by NN-descent, and so
do we in the case whose labels must be the peer's. Exact neighbours take time with rows²: they are timed up to 40,000.
"""

import argparse
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import adjusted_rand_score

from bench.report import header, show, timed
from m2m.units.macro.clusters import NOISE_LABEL, FitSettings, Neighbors, cluster_vectors, number_by_size

SETTINGS: dict[str, Any] = {"n_neighbors": 15, "n_components": 5}
SIZES: dict[str, Any] = {"min_cluster_size": 15, "min_samples": 5}
EXACT = 40_000  # rows
LEAST_RAND = 0.2  # of exact neighbours: measured 0.31 at 2,000 rows, 0.37 at 3,000 and 0.75 at 10,000; chance is 0
WARM = 4_200  # rows: UMAP is exact below 4,096 and compiles its search above


def made_up(rows: int, topics: int = 300, dim: int = 384) -> np.ndarray:
    """Unit vectors about `topics` centres of log-normal sizes, a fifth of the rows about none."""
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(topics, dim))
    weights = np.exp(rng.normal(size=topics))
    vectors = centres[rng.choice(topics, rows, p=weights / weights.sum())] + 0.9 * rng.normal(size=(rows, dim))
    lone = rng.random(rows) < 0.2
    vectors[lone] = rng.normal(size=(lone.sum(), dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def ours(vectors: np.ndarray, neighbors: Neighbors) -> np.ndarray:
    return cluster_vectors(vectors, FitSettings(1, **SETTINGS, **SIZES, neighbors=neighbors))


def theirs(vectors: np.ndarray) -> np.ndarray:
    from bertopic import BERTopic
    from hdbscan import HDBSCAN
    from umap import UMAP

    umap = UMAP(**SETTINGS, min_dist=0.0, metric="cosine", random_state=1, n_jobs=1)
    hdbscan = HDBSCAN(**SIZES)
    topic = BERTopic(umap_model=umap, hdbscan_model=hdbscan, embedding_model=None)
    documents = pl.DataFrame({"Document": "x", "ID": np.arange(len(vectors)), "Topic": None}).to_pandas()
    reduced = topic._reduce_dimensionality(vectors)
    return np.array(topic._cluster_embeddings(reduced, documents)[0].sort_values("ID")["Topic"])


def require_agreement(name: str, labels: np.ndarray, reference: np.ndarray) -> float:
    """The adjusted Rand index with the peer's labels; SystemExit where the case `name` should agree more.

    By the same neighbours all labels are the peer's. By others they are not: few neighbours change many clusters.
    """
    agreement = float(adjusted_rand_score(labels, reference))
    if name == "nndescent" and not np.array_equal(labels, number_by_size(reference)):
        sys.exit(f"labels by nndescent must be BERTopic's, but the adjusted Rand index is {agreement:.4f}")
    if agreement < LEAST_RAND:
        sys.exit(f"the adjusted Rand index of {name} with BERTopic must be {LEAST_RAND} or more, got {agreement:.4f}")
    return agreement


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors")
    parser.add_argument("--rows", type=int, default=10_000)
    chosen = parser.parse_args()
    vectors = made_up(chosen.rows)
    if chosen.vectors:
        vectors = np.stack(pl.read_parquet(chosen.vectors)["vector"].to_numpy())[: chosen.rows]  # type: ignore[call-overload]
    calls: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "exact": lambda rows: ours(rows, "exact"),
        "nndescent": lambda rows: ours(rows, "nndescent"),
        "BERTopic": theirs,
    }
    if len(vectors) > EXACT:
        del calls["exact"]
    for call in calls.values():
        call(vectors[:WARM])
    results = {name: timed(lambda call=call: call(vectors)) for name, call in calls.items()}  # type: ignore[misc]
    reference, peer_seconds = results.pop("BERTopic")
    header()
    for name, (labels, seconds) in results.items():
        agreement = require_agreement(name, labels, reference)
        show(f"cluster, {name} neighbours", len(vectors), seconds, "BERTopic", peer_seconds)
        print(
            f"{labels.max() + 1} clusters, share of noise {(labels == NOISE_LABEL).mean():.3f}; "
            f"adjusted Rand index with the peer {agreement:.4f}"
        )


if __name__ == "__main__":
    main()
