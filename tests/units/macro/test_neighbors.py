"""Exact nearest neighbours against scikit-learn's."""

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from m2m.units.macro.neighbors import BLOCK, find_neighbors


def unit_vectors(rows: int, dim: int = 8, seed: int = 1) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("rows", [5, BLOCK, BLOCK + 1])
def test_neighbours_and_distances_are_those_of_scikit_learn(rows):
    vectors = unit_vectors(rows)
    found, distances = find_neighbors(vectors, 5)
    expected, theirs = NearestNeighbors(n_neighbors=5, metric="cosine").fit(vectors).kneighbors(vectors)[::-1]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(distances, theirs, atol=1e-6)


def test_a_row_is_its_own_first_neighbour_even_with_a_twin():
    found, distances = find_neighbors(np.repeat(unit_vectors(2), 2, axis=0), 2)
    assert found.tolist() == [[0, 1], [1, 0], [2, 3], [3, 2]]
    np.testing.assert_allclose(distances, 0, atol=1e-6)


def test_the_number_of_threads_changes_no_bit():
    vectors = unit_vectors(2000, 384)
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"):
            found.append(find_neighbors(vectors, 15)[1].tobytes())
    assert len(set(found)) == 1


def test_one_row_has_itself():
    found, distances = find_neighbors(unit_vectors(1), 1)
    assert (found.tolist(), distances.tolist()) == ([[0]], [[0.0]])


def test_all_rows_are_the_neighbours_of_each_when_as_many_are_asked():
    found, _ = find_neighbors(unit_vectors(6), 6)
    assert (np.sort(found, axis=1) == np.arange(6)).all()
