"""Turns vectors into two numbers for their spread: mean pairwise distance and Vendi score."""

import numpy as np
from jaxtyping import Float, Float64
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from m2m.arrays import entropy_bits


def embedding_distance(vectors: Float[np.ndarray, "rows dim"]) -> float:
    """Mean cosine distance (1 − cosine) over all pairs of different rows, 0..2; at least two rows, none zero.

    Linear time: with unit rows x and their sum s, Σ over i ≠ j of x_i · x_j is |s|² − rows.
    """
    rows = len(vectors)
    if rows < 2:
        raise ValueError(f"a pairwise distance needs at least 2 rows, got {rows}")
    total = _unit(vectors).sum(axis=0)
    similarity = ((total * total).sum() - rows) / (rows * (rows - 1))
    return max(0.0, float(1 - similarity))


def vendi_score(vectors: Float[np.ndarray, "rows dim"]) -> float:
    """Effective number of different rows, 1..min(rows, dim): exp(−Σ λ ln λ), λ the eigenvalues of cosines / rows.

    Friedman and Dieng 2023 (arXiv 2210.02410), order 1. X Xᵀ and Xᵀ X share their eigenvalues, so the smaller is used
    (the dual form). BLAS is held to one thread: the same bytes whatever the number of cores.
    """
    unit = _unit(vectors)
    with threadpool_limits(1, user_api="blas"):
        gram = unit @ unit.T if len(unit) < unit.shape[1] else unit.T @ unit
        eigenvalues = np.linalg.eigvalsh(gram / len(unit))
    return float(2 ** entropy_bits(np.clip(eigenvalues, 0, None)))


def _unit(vectors: Float[np.ndarray, "rows dim"]) -> Float64[np.ndarray, "rows dim"]:
    wide = vectors.astype(np.float64)
    return np.asarray(wide / np.sqrt((wide * wide).sum(axis=1, keepdims=True)))
