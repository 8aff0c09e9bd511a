"""Orders the rows of a training: which rows each step sees, the same for any number of processes."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Int64

_Row = TypeVar("_Row")
EMPTY_PLACE = -1


def order_batches(
    lengths: Int64[np.ndarray, "rows"], batch_size: int, epochs: int, rng: np.random.Generator
) -> Int64[np.ndarray, "steps batch_size"]:
    """The rows of each step: every row once an epoch, in random order, and within a step the longest first.

    Steps of like lengths would need less padding, but train worse, since a token of a short step then weighs more
    (docs/results/batch-order.md). Sorted within its step, a row shares a micro-batch with rows of its length, so that
    accumulation saves the padding. An epoch's last places are EMPTY_PLACE where `batch_size` does not divide the
    rows: every step has as many places, and can be divided equally among processes and for accumulation. ValueError
    without an epoch or a place.
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
    steps = np.full((-(-len(lengths) // batch_size), batch_size), EMPTY_PLACE, dtype=np.int64)
    steps.ravel()[: len(lengths)] = rng.permutation(len(lengths))
    by_length = np.argsort(-np.append(lengths, 0)[steps], axis=1, kind="stable")  # EMPTY_PLACE takes the last, 0
    return np.take_along_axis(steps, by_length, axis=1)
