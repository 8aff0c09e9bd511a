"""A sample is clustered, and every other row joins its nearest sampled rows."""

import numpy as np
import pytest

from m2m.units.macro import sampled_clusters
from m2m.units.macro.clusters import FitSettings
from m2m.units.macro.sampled_clusters import assign_by_neighbors, cluster_by_sample

SETTINGS = FitSettings(1, 3, 2, 2, 1, "exact")


def place(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_a_row_gets_the_label_of_most_of_its_nearest_rows_noise_included() -> None:
    sample, labels = place(0, 1, 2, 90, 91, 92, 180, 181), np.array([4, 4, 0, 1, 1, 1, -1, -1])
    assert assign_by_neighbors(place(0, 91, 180, 1.4), sample, labels, 3).tolist() == [4, 1, -1, 4]


def test_equally_frequent_labels_go_to_the_smaller() -> None:
    assert assign_by_neighbors(place(5), place(0, 10, 90), np.array([3, 1, 0]), 2).tolist() == [1]


def test_a_row_of_the_sample_has_no_vote_on_itself_when_it_is_checked() -> None:
    sample, labels = place(0, 1, 2, 90), np.array([0, 0, 0, 1])
    assert assign_by_neighbors(sample, sample, labels, 1).tolist() == [0, 0, 0, 1]
    assert assign_by_neighbors(sample, sample, labels, 1, skip_self=True).tolist() == [0, 0, 0, 0]


def test_blocks_change_no_label(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    rows = place(*rng.uniform(0, 360, 101))
    labels = rng.integers(-1, 4, 40)
    whole = assign_by_neighbors(rows, rows[:40], labels, 5)
    monkeypatch.setattr(sampled_clusters, "BLOCK_ROWS", 7)
    assert (assign_by_neighbors(rows, rows[:40], labels, 5) == whole).all()


def test_the_sample_keeps_its_clusters_and_the_others_join_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = place(*range(0, 30), *range(90, 150))  # 30 rows and 60 rows
    fitted: list[np.ndarray] = []

    def fit(vectors: np.ndarray, settings: FitSettings, verbose: bool) -> np.ndarray:
        fitted.append(vectors)
        return (vectors[:, 0] < 0.5).astype(np.int64)

    monkeypatch.setattr(sampled_clusters, "cluster_vectors", fit)
    found = cluster_by_sample(rows, 24, SETTINGS)
    assert len(fitted[0]) == 24 and found.agreement == 1
    assert found.labels.tolist() == [1] * 30 + [0] * 60  # numbered by the size in the pool
    again = cluster_by_sample(rows, 24, SETTINGS)
    assert (again.labels == found.labels).all() and (fitted[0] == fitted[1]).all()
    cluster_by_sample(rows, 24, SETTINGS._replace(seed=2))
    assert (fitted[2] != fitted[0]).any()


def test_a_sample_as_large_as_the_pool_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cluster\.sample must be below the pool's 4 rows, got 4: set it to null"):
        cluster_by_sample(place(1, 2, 3, 4), 4, SETTINGS)
