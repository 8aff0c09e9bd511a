"""List columns to arrays."""

from itertools import pairwise

import numpy as np
import polars as pl

from m2m.arrays import flatten_lists, stack_vectors


def test_a_matrix_has_a_row_a_list() -> None:
    found = stack_vectors(pl.Series([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=pl.List(pl.Float32)))
    assert (found.dtype, found.tolist()) == (np.float32, [[1, 2], [3, 4], [5, 6]])


def test_offsets_cut_the_flat_array_into_the_lists() -> None:
    rows = [[1], [], [2, 3, 4], []]
    values, offsets = flatten_lists(pl.Series(rows, dtype=pl.List(pl.Int32)))
    assert [values[start:end].tolist() for start, end in pairwise(offsets)] == rows
