"""Exact neighbours against scikit-learn's; cluster numbers, noise and errors; UMAP itself runs in the long tests."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from m2m.units.macro.clusters import (
    BLOCK,
    FitSettings,
    assign_nearest,
    cluster_vectors,
    describe_exact_time,
    find_neighbors,
    number_by_size,
    resolve_neighbors,
)

SETTINGS = FitSettings(1, 15, 2, 10, 2, "exact")
UMAP_SAYS = pytest.mark.filterwarnings("ignore:Tensorflow not installed:ImportWarning")


def blobs(sizes: list[int], seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.eye(len(sizes), 12)
    vectors = np.repeat(centres, sizes, axis=0) + rng.normal(scale=0.05, size=(sum(sizes), 12))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_the_largest_cluster_is_0_and_noise_stays() -> None:
    assert number_by_size(np.array([7, 3, 3, -1, 7, 3])).tolist() == [1, 0, 0, -1, 1, 0]


def test_equal_sizes_are_numbered_by_their_first_row() -> None:
    assert number_by_size(np.array([5, 2, 2, 5, 0, 0])).tolist() == [0, 1, 1, 0, 2, 2]


def test_noise_alone_and_no_row_stay_as_they_are() -> None:
    assert number_by_size(np.array([-1, -1])).tolist() == [-1, -1]
    assert number_by_size(np.array([], np.int64)).tolist() == []


@given(st.lists(st.integers(-1, 5), max_size=30), st.permutations(range(6)))
def test_numbers_do_not_depend_on_the_labels_that_came_in(labels: Any, names: Any) -> None:
    labels = np.array(labels, np.int64)
    renamed = np.where(labels < 0, -1, np.array(names)[labels])
    assert (number_by_size(labels) == number_by_size(renamed)).all()
    sizes = np.bincount(number_by_size(labels)[number_by_size(labels) >= 0])
    assert (np.diff(sizes) <= 0).all()


def test_noise_goes_to_the_cluster_of_the_nearest_mean_and_members_stay() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0.8, 0.6], [0.6, 0.8]], np.float32)
    assert assign_nearest(np.array([0, 0, 1, -1, -1]), vectors).tolist() == [0, 0, 1, 0, 1]


def test_without_noise_nothing_moves() -> None:
    labels = np.array([0, 1, 0])
    assert assign_nearest(labels, blobs([3])).tolist() == labels.tolist()


def test_too_few_rows_are_an_error_that_says_how_many_are_needed() -> None:
    with pytest.raises(ValueError, match=r"cluster\.n_components 2 needs at least 5 rows, got 4: lower it"):
        cluster_vectors(blobs([4]), SETTINGS)


def test_auto_is_exact_up_to_50000_rows_and_other_words_stay() -> None:
    assert [resolve_neighbors("auto", rows) for rows in (50_000, 50_001)] == ["exact", "nndescent"]
    assert [resolve_neighbors(name, 10**6) for name in ("exact", "nndescent")] == ["exact", "nndescent"]
    assert describe_exact_time(10**6, "auto") == ""


@pytest.mark.long
@UMAP_SAYS
@pytest.mark.parametrize("neighbors", ["exact", "nndescent"])
def test_planted_clusters_are_found_again_and_the_same_each_time(neighbors: Any) -> None:
    settings = SETTINGS._replace(neighbors=neighbors)
    labels = cluster_vectors(blobs([60, 40, 20]), settings)
    assert labels.tolist() == [0] * 60 + [1] * 40 + [2] * 20
    assert (labels == cluster_vectors(blobs([60, 40, 20]), settings)).all()


@pytest.mark.long
@UMAP_SAYS
def test_rows_that_form_no_cluster_are_an_error_that_names_the_settings() -> None:
    with pytest.raises(ValueError, match="no cluster among 12 rows at min_cluster_size 10"):
        cluster_vectors(blobs([12]), SETTINGS)


def unit_vectors(rows: int, dim: int = 8, seed: int = 1) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("rows", [5, BLOCK, BLOCK + 1])
def test_neighbours_and_distances_are_those_of_scikit_learn(rows: Any) -> None:
    vectors = unit_vectors(rows)
    found, distances = find_neighbors(vectors, 5)
    expected, theirs = NearestNeighbors(n_neighbors=5, metric="cosine").fit(vectors).kneighbors(vectors)[::-1]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(distances, theirs, atol=1e-6)


def test_a_row_is_its_own_first_neighbour_even_with_a_twin() -> None:
    found, distances = find_neighbors(np.repeat(unit_vectors(2), 2, axis=0), 2)
    assert found.tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]
    np.testing.assert_allclose(distances, 0, atol=1e-6)


def test_the_number_of_threads_changes_no_bit() -> None:
    vectors = unit_vectors(2000, 384)
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"):
            found.append(find_neighbors(vectors, 15)[1].tobytes())
    assert len(set(found)) == 1


def test_one_row_has_itself() -> None:
    found, distances = find_neighbors(unit_vectors(1), 1)
    assert (found.tolist(), distances.tolist()) == ([[0]], [[0.0]])


def test_all_rows_are_the_neighbours_of_each_when_as_many_are_asked() -> None:
    found, _ = find_neighbors(unit_vectors(6), 6)
    assert (np.sort(found, axis=1) == np.arange(6)).all()


def test_a_search_of_hours_is_told_before_it_begins() -> None:
    assert describe_exact_time(1_000_000, "exact").startswith(
        "exact neighbours of 1,000,000 rows compare each row with every other: about 4.0 hours on two cores. cluster."
    )
    assert describe_exact_time(1_000_000, "nndescent") == describe_exact_time(120_000, "exact") == ""
