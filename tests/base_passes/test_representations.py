"""Representations of a tiny random Llama, beside the weighted mean of each row alone."""

from typing import Any

import numpy as np
import pytest
import torch

from m2m.base_passes.representations import cut_rows, represent_rows
from m2m.inference.token_batches import batch_by_length, pad_right

ROWS = [[5, 6, 7, 8, 9, 10], [11], [12, 13, 14], [15, 16, 17, 18]]


def represent_alone(model: Any, row: list[int]) -> np.ndarray:
    with torch.inference_mode():
        states = model(torch.tensor([row]), output_hidden_states=True).hidden_states[-1][0].double().numpy()
    mean = sum((place + 1) * state for place, state in enumerate(states)) / sum(range(1, len(row) + 1))
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("batch_size", [1, 3, 4])
def test_a_vector_is_the_weighted_mean_of_its_row_alone_whatever_the_batch(llama: Any, batch_size: int) -> None:
    vectors = represent_rows(llama, ROWS, 0, batch_size=batch_size)
    expected = np.stack([represent_alone(llama.eval(), row) for row in ROWS])
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_the_padding_token_changes_nothing(llama: Any) -> None:
    first, second = (represent_rows(llama, ROWS, pad, batch_size=4) for pad in (0, 7))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_rows_that_are_cut_are_counted_and_batches_have_like_lengths() -> None:
    assert cut_rows(ROWS, 3) == ([[5, 6, 7], [11], [12, 13, 14], [15, 16, 17]], 2)
    assert batch_by_length(ROWS, 3) == [[1, 2, 3], [0]]
    ids, mask = pad_right([[4, 5], [6]], 9, "cpu")
    assert ids.tolist() == [[4, 5], [6, 9]] and mask.tolist() == [[1, 1], [1, 0]]
