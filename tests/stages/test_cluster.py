"""The stage around the clustering, which is replaced here: UMAP compiles for long."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import stages.cluster
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.clusters import Clusters
from m2m.schemas.pairs import Pairs
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.units.macro.clusters import FitSettings
from m2m.units.macro.sampled_clusters import SampledClusters

LABELS = np.array([1, 0, 0, -1])
SETTINGS: dict[str, Any] = {
    "seed": 1,
    "n_neighbors": 2,
    "n_components": 2,
    "min_cluster_size": 2,
    "min_samples": 1,
    "neighbors": "exact",
    "sample": None,
}


@pytest.fixture
def clustered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[pl.DataFrame, pl.DataFrame]]:
    monkeypatch.setattr(stages.cluster, "cluster_vectors", lambda vectors, settings, verbose: LABELS)
    pairs = pl.DataFrame(
        {
            "id": list("abcd"),
            "source": "s",
            "instruction": "Why?",
            "response": ["fig", "oak", "oak", "ash"],
            "original": None,
        }
    )
    vectors = pl.DataFrame({"id": list("abcd"), "vector": [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.8, 0.6]]})
    write_table(tmp_path / "pairs.parquet", Pairs, pairs.cast({"original": pl.String}).reverse())
    write_table(tmp_path / "vectors.parquet", Vectors, vectors.cast({"vector": pl.List(pl.Float32)}))

    def run(noise: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        paths = [tmp_path / f"{name}.parquet" for name in ("vectors", "pairs", "units", "clusters")]
        stages.cluster.main(*paths, side="response", noise=noise, **SETTINGS)  # type: ignore[arg-type]
        return read_table(paths[2], Units), read_table(paths[3], Clusters)

    return run


def test_dropped_noise_carries_no_unit_and_is_listed(
    clustered: Callable[[str], tuple[pl.DataFrame, pl.DataFrame]],
) -> None:
    units, clusters = clustered("drop")
    assert units.rows() == [("a", "1"), ("b", "0"), ("c", "0")]
    assert clusters.rows() == [("0", 2, 0.5, "oak"), ("-1", 1, 0.25, "ash"), ("1", 1, 0.25, "fig")]


def test_a_sample_is_fitted_where_it_is_set_and_the_log_says_how_far_the_rest_can_be_trusted(
    clustered: Callable[[str], tuple[pl.DataFrame, pl.DataFrame]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments: list[tuple[int, FitSettings]] = []

    def fit(vectors: np.ndarray, sample: int, settings: FitSettings, verbose: bool) -> SampledClusters:
        arguments.append((sample, settings))
        return SampledClusters(LABELS, 0.75)

    monkeypatch.setattr(stages.cluster, "cluster_by_sample", fit)
    monkeypatch.setitem(SETTINGS, "sample", 3)
    units, _ = clustered("drop")
    assert arguments == [(3, FitSettings(1, 2, 2, 2, 1, "exact"))] and units.rows() == [
        ("a", "1"),
        ("b", "0"),
        ("c", "0"),
    ]
    log = capsys.readouterr().out
    assert "cluster response: UMAP and HDBSCAN over 3 of 4 rows" in log
    assert "1 rows have the cluster of most of their 2 nearest rows in the sample" in log and "75.0%" in log


def test_noise_given_to_the_nearest_cluster_leaves_the_table_as_it_was(
    clustered: Callable[[str], tuple[pl.DataFrame, pl.DataFrame]],
) -> None:
    units, clusters = clustered("nearest")
    assert units.rows() == [("a", "1"), ("b", "0"), ("c", "0"), ("d", "1")]
    assert clusters["size"].to_list() == [2, 1, 1]
