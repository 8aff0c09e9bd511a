"""Batches token rows by length, and pads them on the right."""

from collections.abc import Sequence
from typing import Any


def batch_by_length(rows: Sequence[Sequence[int]], batch_size: int) -> list[list[int]]:
    """Row numbers, shortest rows first, `batch_size` at a time; equal lengths by their tokens.

    ValueError for a `batch_size` below 1.

    >>> batch_by_length([[1, 2, 3], [5], [4]], 2)
    [[2, 1], [0]]
    """
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}: set the stage's to what memory allows")
    order = sorted(range(len(rows)), key=lambda row: (len(rows[row]), rows[row]))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def pad_right(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[Any, Any]:
    """The ids of `rows` and a mask of 1 for a token, 0 for padding, both of rows × the longest row."""
    import torch

    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (width - len(row))] for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
    return ids, mask
