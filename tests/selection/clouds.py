"""Points, rows and masks that tests of selectors choose from."""

import numpy as np


def unit_points(rows: int, seed: int, dim: int = 5) -> np.ndarray:
    """Random vectors of norm 1."""
    vectors = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def everything(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """All rows inside, at a cost of 1."""
    return np.ones(rows, np.bool_), np.ones(rows, np.int64)
