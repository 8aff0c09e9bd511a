"""Times k-center against the same greedy rule in plain NumPy, on made-up vectors in clusters.

`python -m bench.farthest [--rows 117000] [--size 10000] [--vectors data/vectors/response.parquet]`: the peer runs on a
sixth of the rows and a tenth of the size, since it would need many minutes for all.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from bench.report import header, show, timed
from m2m.selection.k_center import choose_farthest_rows

DIM, CLUSTERS, SPREAD = 384, 400, 1.5


def made_up(rows: int) -> np.ndarray:
    """Points about 400 directions, each with 24 ways to vary: a nearest neighbour is at a cosine of about 0.8."""
    rng = np.random.default_rng(1)
    centers, ways = rng.normal(size=(CLUSTERS, DIM)), rng.normal(size=(CLUSTERS, 24, DIM)) / np.sqrt(24)
    place = rng.integers(0, CLUSTERS, rows)
    vectors = np.empty((rows, DIM), np.float32)
    for at in range(CLUSTERS):
        own = place == at
        vectors[own] = centers[at] + SPREAD * rng.normal(size=(own.sum(), 24)) @ ways[at]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def ours(vectors: np.ndarray, size: int) -> np.ndarray:
    every = np.ones(len(vectors), np.bool_)
    return choose_farthest_rows(vectors, every, every.astype(np.int64), size, np.random.default_rng(1))


def plain(vectors: np.ndarray, first: int, size: int) -> np.ndarray:
    """One product of all rows with the newest choice a step."""
    chosen, nearest = [first], vectors @ vectors[first]
    while len(chosen) < size:
        chosen.append(int(nearest.argmin()))
        np.maximum(nearest, vectors @ vectors[chosen[-1]], out=nearest)
    return np.array(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=117_000)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--vectors", type=Path)
    given = parser.parse_args()
    vectors = made_up(given.rows)
    if given.vectors:
        vectors = np.array(pl.read_parquet(given.vectors)["vector"].to_list(), np.float32)[: given.rows]
    ours(vectors[:100], 10)  # compiles
    header()
    some, few = vectors[: len(vectors) // 6].copy(), given.size // 10
    rows, seconds = timed(lambda: ours(some, few))
    theirs, peer_seconds = timed(lambda: plain(some, int(rows[0]), few))
    show(f"k-center of {few:,}", len(some), seconds, "NumPy, a product a step", peer_seconds)
    print(f"same choice: {np.mean(rows == theirs):.1%} of the turns")
    _, seconds = timed(lambda: ours(vectors, given.size))
    show(f"k-center of {given.size:,}", len(vectors), seconds)


if __name__ == "__main__":
    main()
