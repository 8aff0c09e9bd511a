"""Points, rows and masks that tests of selectors choose from."""

from typing import Any

import numpy as np

from m2m.selection.incidence import Incidence
from m2m.selection.length_strata import Strata
from m2m.selection.select import Selection, build_dial, select_at_degree


def unit_points(rows: int, seed: int, dim: int = 5) -> np.ndarray:
    """Random vectors of norm 1."""
    vectors = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def everything(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """All rows inside, at a cost of 1."""
    return np.ones(rows, np.bool_), np.ones(rows, np.int64)


def select(
    incidence: Incidence,
    costs: np.ndarray,
    *,
    size: int,
    slack: float,
    strata: Strata | None = None,
    noise: float = 0.0,
    seed: int = 0,
    **draw: Any,
) -> Selection:
    """The subset of a degree, from a dial of its own."""
    dial = build_dial(incidence, costs, size, slack, strata, noise, seed)
    return select_at_degree(incidence, dial, costs, size=size, **draw)
