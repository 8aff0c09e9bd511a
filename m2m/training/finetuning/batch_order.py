"""Orders the rows of a training: which rows each step sees, the same for any number of processes."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Int64

_Row = TypeVar("_Row")
EMPTY_PLACE = -1
WINDOW = 16  # steps whose rows are sorted by length together: less padding, and still in random order


def order_batches(
    lengths: Int64[np.ndarray, "rows"], batch_size: int, epochs: int, rng: np.random.Generator
) -> Int64[np.ndarray, "steps batch_size"]:
    """The rows of each step: every row once an epoch, similar lengths together, the steps in random order.

    An epoch's last places are EMPTY_PLACE where `batch_size` does not divide the rows: every step has as many places,
    and can be divided equally among processes and for accumulation. ValueError without an epoch or a place.
    """
    for name, value in (("batch_size", batch_size), ("epochs", epochs)):
        if value < 1:
            raise ValueError(f"finetune.{name} must be at least 1, got {value}")
    return np.concatenate([_order_epoch(lengths, batch_size, rng) for _ in range(epochs)])


def arrange_rows(rows: Sequence[_Row], order: Int64[np.ndarray, "steps batch_size"], empty: _Row) -> list[_Row]:
    """`rows` as a training sees them, one step after another; `empty` fills the empty places."""
    return [empty if row == EMPTY_PLACE else rows[row] for row in order.ravel().tolist()]


def _order_epoch(
    lengths: Int64[np.ndarray, "rows"], batch_size: int, rng: np.random.Generator
) -> Int64[np.ndarray, "steps batch_size"]:
    shuffled = rng.permutation(len(lengths))
    wide = WINDOW * batch_size
    windows = [shuffled[start : start + wide] for start in range(0, len(shuffled), wide)]
    by_length = np.concatenate([window[np.argsort(lengths[window], kind="stable")] for window in windows])
    steps = np.full((-(-len(lengths) // batch_size), batch_size), EMPTY_PLACE, dtype=np.int64)
    steps.ravel()[: len(by_length)] = by_length
    return rng.permutation(steps)
