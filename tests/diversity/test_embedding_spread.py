"""Mean pairwise distance and Vendi score against the quadratic forms."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_distances
from vendi_score.vendi import score_dual

from m2m.diversity.embedding_spread import embedding_distance, vendi_score


def unit_rows(rows: int, dim: int, seed: int) -> np.ndarray:
    wild = np.random.default_rng(seed).normal(size=(rows, dim)) + 0.5
    return (wild / np.linalg.norm(wild, axis=1, keepdims=True)).astype(np.float32)


@given(st.integers(2, 40), st.integers(1, 20), st.integers(0, 99))
def test_distance_equals_the_mean_of_all_pairs(rows: int, dim: int, seed: int) -> None:
    vectors = unit_rows(rows, dim, seed)
    pairs = cosine_distances(vectors.astype(np.float64))[~np.eye(rows, dtype=bool)]
    assert embedding_distance(vectors) == pytest.approx(pairs.mean(), abs=1e-12)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_vendi_equals_the_eigenvalues_of_the_whole_matrix(rows: int, dim: int, seed: int) -> None:
    wide = unit_rows(rows, dim, seed).astype(np.float64)
    wide /= np.linalg.norm(wide, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(wide @ wide.T / rows)
    positive = values[values > 1e-15]
    assert vendi_score(wide) == pytest.approx(np.exp(-(positive * np.log(positive)).sum()), rel=1e-9)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 99))
def test_vendi_is_the_dual_form_of_its_authors_package(rows: int, dim: int, seed: int) -> None:
    vectors = unit_rows(rows, dim, seed).astype(np.float64)
    assert vendi_score(vectors) == pytest.approx(score_dual(vectors), rel=1e-6)


def test_equal_rows_are_at_distance_zero_and_count_as_one() -> None:
    vectors = np.repeat(unit_rows(1, 8, 0), 50, axis=0)
    assert embedding_distance(vectors) == pytest.approx(0, abs=1e-15)
    assert vendi_score(vectors) == pytest.approx(1, abs=1e-9)


def test_orthogonal_rows_are_at_distance_one_and_all_count() -> None:
    assert embedding_distance(np.eye(6, dtype=np.float32)) == 1
    assert vendi_score(np.eye(6, dtype=np.float32)) == pytest.approx(6)


def test_opposite_rows_are_at_distance_two() -> None:
    assert embedding_distance(np.array([[1, 0], [-1, 0]], np.float32)) == 2


def test_a_norm_that_is_a_little_off_changes_nothing() -> None:
    vectors = unit_rows(20, 5, 1).astype(np.float64)
    off = vectors * np.linspace(0.996, 1.004, 20)[:, None]
    assert embedding_distance(off) == pytest.approx(embedding_distance(vectors), abs=1e-14)
    assert vendi_score(off) == pytest.approx(vendi_score(vectors), rel=1e-12)


def test_one_row_counts_as_one_and_has_no_distance() -> None:
    one = unit_rows(1, 4, 0)
    assert vendi_score(one) == pytest.approx(1)
    with pytest.raises(ValueError, match="at least 2 rows, got 1"):
        embedding_distance(one)


def test_the_number_of_threads_changes_no_bit() -> None:
    code = (
        "import numpy as np; from m2m.diversity.embedding_spread import vendi_score, embedding_distance as d; "
        "x = np.random.default_rng(0).normal(size=(700, 384)).astype('f4'); print(vendi_score(x).hex(), d(x).hex())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in "12"
    }
    assert len(seen) == 1
