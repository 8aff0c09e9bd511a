"""Times k-center against the same greedy rule in plain NumPy, on made-up vectors in clusters.

`python -m bench.farthest [--rows 117000] [--size 10000] [--vectors data/vectors/response.parquet]`: the peer runs on a
sixth of the rows and a tenth of the size, since it would need many minutes for all.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import polars as pl

from bench.report import header, show, timed
from m2m.selection.k_center import choose_farthest_rows

DIM, CLUSTERS, SPREAD = 384, 400, 1.5
LEAST_EQUAL = 0.99  # share of turns; 1.0 was measured, but cosines that differ in the last bit may change places


def made_up(rows: int) -> np.ndarray:
    """Points about 400 directions, each with 24 ways to vary: a nearest neighbour is at a cosine of about 0.8."""
    rng = np.random.default_rng(1)
    centers, ways = rng.normal(size=(CLUSTERS, DIM)), rng.normal(size=(CLUSTERS, 24, DIM)) / np.sqrt(24)
    place = rng.integers(0, CLUSTERS, rows)
    vectors = np.empty((rows, DIM), np.float32)
    for cluster in range(CLUSTERS):
        members = place == cluster
        vectors[members] = centers[cluster] + SPREAD * rng.normal(size=(members.sum(), 24)) @ ways[cluster]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ours(vectors: np.ndarray, size: int) -> np.ndarray:
    all_rows = np.ones(len(vectors), np.bool_)
    return choose_farthest_rows(vectors, all_rows, all_rows.astype(np.int64), size, np.random.default_rng(1))


def plain(vectors: np.ndarray, first: int, size: int) -> np.ndarray:
    """One product of all rows with the newest choice a step."""
    chosen, nearest = [first], vectors @ vectors[first]
    while len(chosen) < size:
        chosen.append(int(nearest.argmin()))
        np.maximum(nearest, vectors @ vectors[chosen[-1]], out=nearest)
    return np.array(chosen)


def require_equal(rows: np.ndarray, peer_rows: np.ndarray) -> float:
    """The share of turns that choose the peer's row; SystemExit below LEAST_EQUAL."""
    share = float(np.mean(rows == peer_rows))
    if share < LEAST_EQUAL:
        sys.exit(f"k-center must choose NumPy's row in at least {LEAST_EQUAL:.0%} of the turns, got {share:.1%}")
    return share


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=117_000)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--vectors", type=Path)
    arguments = parser.parse_args()
    vectors = made_up(arguments.rows)
    if arguments.vectors:
        vectors = np.array(pl.read_parquet(arguments.vectors)["vector"].to_list(), np.float32)[: arguments.rows]
    ours(vectors[:100], 10)  # compiles
    header()
    sample, center_count = vectors[: len(vectors) // 6].copy(), arguments.size // 10
    rows, seconds = timed(lambda: ours(sample, center_count))
    peer_rows, peer_seconds = timed(lambda: plain(sample, int(rows[0]), center_count))
    share = require_equal(rows, peer_rows)
    show(f"k-center of {center_count:,}", len(sample), seconds, "NumPy, a product a step", peer_seconds)
    print(f"same choice: {share:.1%} of the turns")
    _, seconds = timed(lambda: ours(vectors, arguments.size))
    show(f"k-center of {arguments.size:,}", len(vectors), seconds)


if __name__ == "__main__":
    main()
