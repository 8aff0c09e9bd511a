"""NovelSum: by its definition over all pairs, by hand, and where it should rise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection.novelty import choose_novel_rows, measure_density, novel_sum


def make_points(rows: int, seed: int, dim: int = 6) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dim))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 30), st.integers(0, 10**6), st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from([0.0, 0.5, 1.0]))
def test_it_is_its_definition(rows: int, seed: int, p: float, q: float) -> None:
    vectors = make_points(rows, seed)
    densities = np.random.default_rng(seed).uniform(0.5, 3, rows)
    total = 0.0
    for row in range(rows):
        distances = sorted(1 - float(vectors[row] @ vectors[other]) for other in range(rows) if other != row)
        weights = [rank**-p for rank in range(1, rows)]
        mean = sum(w * d for w, d in zip(weights, distances, strict=True)) / sum(weights)
        total += densities[row] ** q * mean
    assert novel_sum(vectors, densities, p, q) == pytest.approx(total / rows)


def test_equal_rows_have_none_and_orthogonal_rows_have_one() -> None:
    assert novel_sum(np.ones((5, 1)), np.ones(5)) == 0
    assert novel_sum(np.eye(300), np.ones(300)) == pytest.approx(1)


def test_without_weights_it_is_the_mean_pairwise_distance() -> None:
    vectors = make_points(20, 3)
    distance = 1 - (vectors @ vectors.T)[~np.eye(20, dtype=bool)].mean()
    assert novel_sum(vectors, np.ones(20), 0, 0) == pytest.approx(distance)


def test_what_novel_select_chooses_has_more_than_random_rows() -> None:
    vectors = make_points(600, 5, 12).astype(np.float32)
    densities = measure_density(vectors, np.random.default_rng(0))
    every = np.ones(600, np.bool_), np.ones(600, np.int64)
    novel = choose_novel_rows(vectors, *every, 60, np.random.default_rng(1))
    random = np.random.default_rng(2).permutation(600)[:60]
    assert novel_sum(vectors[novel], densities[novel]) > 1.05 * novel_sum(vectors[random], densities[random])


def test_one_row_has_no_novelty() -> None:
    with pytest.raises(ValueError, match="at least 2 are needed, got 1"):
        novel_sum(np.ones((1, 2)), np.ones(1))
