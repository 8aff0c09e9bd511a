"""Entropy against scipy and against counts whose entropy is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from m2m.shannon import entropy_bits


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=50).filter(any))
def test_entropy_equals_scipy(counts: list[int]) -> None:
    assert entropy_bits(np.array(counts)) == pytest.approx(entropy(counts, base=2), abs=1e-12)


@pytest.mark.parametrize(("counts", "bits"), [([5], 0), ([1, 1], 1), ([3, 3, 3, 3], 2), ([0, 7, 0], 0), ([0, 0], 0)])
def test_known_entropies(counts: list[int], bits: float) -> None:
    assert entropy_bits(np.array(counts)) == bits
