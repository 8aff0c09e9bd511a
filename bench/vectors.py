"""The development pool → macro units of both sides, and k-center subsets: what `bench.paper` needs an embedding for.

`python -m bench.vectors ../shared/data OUT [--model FOLDER] [--precision bfloat16]`: a GPU embeds and finds neighbours,
if there is one. 400 MB of temporary files.
"""

import argparse
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import polars as pl

from bench.pool import EVERY, TOKENS, WINDOW, llama2, read_pool
from bench.report import header, show, timed
from m2m.selection.k_center import choose_farthest_rows
from m2m.strategies import SIDES
from m2m.text.embedder import PACKAGED, embed, load_embedder
from m2m.units.macro import clusters

BLOCK = 2048
CENTERS = {"rows": (10_000, EVERY), "tokens": (TOKENS, EVERY), "window": (10_000, WINDOW)}


def embedded(shared: Path, work: Path, model: str, precision: Literal["float32", "bfloat16"]) -> None:
    """Both sides' vectors, the first 128 tokens of each text."""
    pool, embedder = read_pool(shared), load_embedder(model, "main", precision, 128)
    for side in SIDES:
        vectors, seconds = timed(lambda side=side: embed(embedder, pool[side].to_list(), 256))  # type: ignore[misc]
        np.save(work / f"{side}.npy", vectors)
        show(f"embed {side}s", len(vectors), seconds)


def nearest(vectors: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """As m2m.units.macro.clusters does, by torch, on a GPU where there is one; equal distances in any order."""
    import torch

    points = torch.from_numpy(vectors).to("cuda" if torch.cuda.is_available() else "cpu")
    blocks = []
    for start in range(0, len(points), BLOCK):
        cosines = points[start : start + BLOCK] @ points.T
        diagonal = torch.arange(len(cosines), device=points.device)
        cosines[diagonal, start + diagonal] = 2  # before any twin
        blocks.append([task.cpu().numpy() for task in cosines.topk(count, dim=1)])
    distances = np.maximum(1 - np.concatenate([cosines for cosines, _ in blocks]), 0)
    return np.concatenate([rows for _, rows in blocks]).astype(np.int32), distances


def clustered(shared: Path, work: Path, out: Path, side: str) -> None:
    """The pipeline's UMAP and HDBSCAN at a cluster size for a large pool; noise carries no unit."""
    clusters.find_neighbors = nearest
    vectors = np.load(work / f"{side}.npy")
    settings = clusters.FitSettings(1, 15, 5, 50, 5, "exact")
    labels, seconds = timed(lambda: clusters.cluster_vectors(vectors, settings))
    units = read_pool(shared).select("id", unit=pl.Series(labels)).filter(pl.col("unit") >= 0)
    units.cast({"unit": pl.String}).write_parquet(out / f"{side}-macro.parquet", compression="zstd")
    show(f"cluster {side}s: {labels.max() + 1} clusters, {np.mean(labels < 0):.0%} noise", len(labels), seconds)


def centered(shared: Path, work: Path, out: Path, name: str) -> None:
    """One k-center subset: its ids in the order in which they were chosen."""
    size, (low, high) = CENTERS[name]
    vectors, pool = np.load(work / "response.npy"), read_pool(shared)
    length = llama2(shared, pool["response"].to_list()).lengths
    inside, costs = (length >= low) & (length <= high), length + 1 if name == "tokens" else np.ones_like(length)
    choose_farthest_rows(vectors[:99], np.ones(99, np.bool_), costs[:99], 3, np.random.default_rng(1))  # compiles
    rows, seconds = timed(lambda: choose_farthest_rows(vectors, inside, costs, size, np.random.default_rng(1)))
    pool.select(pl.col("id").gather(rows)).write_parquet(out / f"k-center-{name}.parquet", compression="zstd")
    show(f"k-center, {name}: {len(rows):,} chosen", int(inside.sum()), seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default=PACKAGED, help="an embedding model: a folder, or a hub id")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    header()
    with TemporaryDirectory() as folder:
        work = Path(folder)
        embedded(chosen.shared, work, chosen.model, chosen.precision)
        tasks = [(clustered, side) for side in SIDES] + [(centered, name) for name in CENTERS]
        places = (chosen.shared, work, chosen.out)
        jobs = [get_context("spawn").Process(target=task, args=(*places, argument)) for task, argument in tasks]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
    if any(job.exitcode for job in jobs):
        raise SystemExit("a part failed: see above")


if __name__ == "__main__":
    main()
