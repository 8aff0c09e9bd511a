"""Nearest rows are those of a full sort, across the borders of blocks too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection import neighbors
from m2m.selection.neighbors import find_nearest_references, find_nearest_rows
from tests.selection.clouds import unit_points


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 40), st.integers(0, 10**6), st.sampled_from([3, 7, 64]), st.data())
def test_the_nearest_are_those_of_a_full_sort(rows: int, seed: int, block: int, data: st.DataObject) -> None:
    vectors, count = unit_points(rows, seed), data.draw(st.integers(1, rows - 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "COMPARED_ROWS", block)
        near, cosines = find_nearest_rows(vectors, count)
        places, several = find_nearest_references(vectors, np.arange(rows, dtype=np.int32), count, np.arange(rows))
    full = vectors @ vectors.T
    np.fill_diagonal(full, -np.inf)
    expected = -np.sort(-full, axis=1)[:, :count]
    np.testing.assert_allclose(cosines, expected, atol=1e-6)
    np.testing.assert_allclose(several, expected, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(full, places, 1), several, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(full, near, 1), cosines, atol=1e-6)
    assert all(row not in places for row, places in enumerate(near.tolist()))


def test_of_twins_the_first_rows_are_taken() -> None:
    near, _ = find_nearest_rows(np.ones((6, 1), np.float32), 2)
    assert near.tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1], [0, 1]]


def test_a_row_that_is_no_reference_may_be_as_near_as_its_twin() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 1]]
    places, cosines = find_nearest_references(vectors, np.array([0, 2], np.int32), 1, np.arange(3))
    assert places[:, 0].tolist() == [1, 0, 0] and cosines[:, 0].tolist() == [0, 1, 0]
