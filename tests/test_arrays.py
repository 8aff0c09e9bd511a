"""List columns to arrays; entropy against scipy and against counts whose entropy is known."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from m2m.arrays import entropy_bits, flatten_lists, stack_vectors


def test_a_matrix_has_a_row_a_list() -> None:
    found = stack_vectors(pl.Series([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=pl.List(pl.Float32)))
    assert (found.dtype, found.tolist()) == (np.float32, [[1, 2], [3, 4], [5, 6]])


def test_offsets_cut_the_flat_array_into_the_lists() -> None:
    rows = [[1], [], [2, 3, 4], []]
    values, offsets = flatten_lists(pl.Series(rows, dtype=pl.List(pl.Int32)))
    assert [values[start:end].tolist() for start, end in pairwise(offsets)] == rows


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50).filter(any))
def test_entropy_equals_scipy(counts: list[int]) -> None:
    assert entropy_bits(np.array(counts)) == pytest.approx(entropy(counts, base=2), abs=1e-12)


@pytest.mark.parametrize(("counts", "bits"), [([5], 0), ([1, 1], 1), ([3, 3, 3, 3], 2), ([0, 7, 0], 0), ([0, 0], 0)])
def test_known_entropies(counts: list[int], bits: float) -> None:
    assert entropy_bits(np.array(counts)) == bits
