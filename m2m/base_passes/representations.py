"""Represents texts by the base model: a vector a text, the position-weighted mean of its last hidden states."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from m2m.inference.token_batches import batch_by_length, pad_right
from m2m.progress import track_progress


def represent_rows(
    model: Any, rows: Sequence[Sequence[int]], pad: int, *, batch_size: int
) -> Float32[np.ndarray, "rows dim"]:
    """A vector of norm 1 for each of `rows`, token ids of which each has one at least.

    The representation of RDS+ (Ivison et al. 2025, arXiv 2503.01807): the mean of the last layer's states, the i-th
    token with weight i, since later tokens have read more. One pass over rows sorted by length; states are averaged in
    float32.
    """
    import torch

    model.eval()
    vectors = np.empty((len(rows), model.config.hidden_size), np.float32)
    batches = batch_by_length(rows, batch_size)
    for batch in track_progress(batches, "represent, batches", len(batches)):
        ids, mask = pad_right([rows[row] for row in batch], pad, model.device)
        with torch.inference_mode():
            states = model.base_model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
            weights = (mask * mask.cumsum(1)).float()
            means = (states * weights[:, :, None]).sum(1) / weights.sum(1, keepdim=True)
            vectors[batch] = torch.nn.functional.normalize(means, dim=1).cpu().numpy()
    return vectors


def cut_rows(rows: Sequence[Sequence[int]], max_length: int) -> tuple[list[list[int]], int]:
    """The first `max_length` tokens of each row, and how many rows are longer.

    >>> cut_rows([[1, 2, 3], [4]], 2)
    ([[1, 2], [4]], 1)
    """
    return [list(row[:max_length]) for row in rows], sum(len(row) > max_length for row in rows)
