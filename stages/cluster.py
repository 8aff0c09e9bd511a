"""Vectors of one side → macro units, and the clusters' sizes and words for reading."""

import sys
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.arrays import stack_vectors
from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.clusters import Clusters
from m2m.schemas.pairs import Pairs
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.table_slices import read_slices
from m2m.units.macro.cluster_words import describe_clusters
from m2m.units.macro.clusters import FitSettings, Neighbors, assign_nearest, cluster_vectors, describe_exact_time
from m2m.units.macro.sampled_clusters import cluster_by_sample

MANY = 20_000  # rows that take minutes: UMAP then shows its progress


def main(
    vectors: Path,
    pairs: Path,
    units: Path,
    clusters: Path,
    /,
    *,
    side: Literal["instruction", "response"],
    seed: int,
    n_neighbors: int,
    n_components: int,
    min_cluster_size: int,
    min_samples: int,
    neighbors: Neighbors,
    sample: int | None,
    noise: Literal["drop", "nearest"],
) -> None:
    """`noise`: rows outside all clusters are dropped, or go to the cluster with the nearest mean vector.

    `sample`: so many rows are fitted, and the others get the cluster of most of their nearest rows among them.
    """
    texts = pl.concat(read_slices(pairs, Pairs, ["id", side]))
    rows = read_table(vectors, Vectors).join(texts, on="id", validate="1:1").sort("id")
    points = stack_vectors(rows["vector"])
    fitted = sample or len(points)
    part = "" if sample is None else f"{sample} of "
    print(f"cluster {side}: UMAP and HDBSCAN over {part}{len(points)} rows", flush=True)
    if warning := describe_exact_time(fitted, neighbors):
        print(f"warning: {warning}", file=sys.stderr, flush=True)
    settings = FitSettings(seed, n_neighbors, n_components, min_cluster_size, min_samples, neighbors)
    if sample is None:
        labels = cluster_vectors(points, settings, verbose=fitted >= MANY)
    else:
        labels, agreement = cluster_by_sample(points, sample, settings, verbose=fitted >= MANY)
        print(
            f"cluster {side}: {len(points) - sample} rows have the cluster of most of their {n_neighbors} nearest rows "
            f"in the sample; in the sample itself {agreement:.1%} would get their own by that",
            flush=True,
        )
    write_table(clusters, Clusters, describe_clusters(rows[side].to_list(), labels))
    placed = rows.select("id", cluster=assign_nearest(labels, points) if noise == "nearest" else labels)
    named = placed.filter(pl.col("cluster") >= 0).select("id", unit=pl.col("cluster").cast(pl.String))
    write_table(units, Units, named)


if __name__ == "__main__":
    run(main)
