"""Gradients of a tiny random Llama: exact where the projection only permutes, near where it shrinks."""

from typing import Any

import numpy as np
import pytest
import torch

from m2m.base_passes.gradients import project_gradients
from m2m.diversity.embedding_spread import vendi_score

ROWS = [([5, 6], [7, 8, 9]), ([5], [20, 21]), ([9, 9, 9], [30]), ([5, 6], [7, 8, 9])]


def project(llama: Any, rows: list[tuple[list[int], list[int]]], *, dims: int, seed: int) -> np.ndarray:
    return np.stack(list(project_gradients(llama, rows, len(rows), dims=dims, seed=seed)))


@pytest.fixture
def cosines(llama: Any) -> np.ndarray:
    """The cosines of the whole gradients, by plain backward passes over the labels that training uses."""
    gradients = []
    for prompt, completion in ROWS:
        llama.zero_grad()
        labels = torch.tensor([[-100] * len(prompt) + completion])
        llama.eval()(input_ids=torch.tensor([prompt + completion]), labels=labels).loss.backward()
        gradients.append(torch.cat([p.grad.flatten() for p in llama.parameters()]).double())
    unit = torch.nn.functional.normalize(torch.stack(gradients), dim=1)
    return (unit @ unit.T).numpy()


def test_with_as_many_numbers_as_parameters_the_cosines_are_those_of_the_gradients(
    llama: Any, cosines: np.ndarray
) -> None:
    size = sum(parameter.numel() for parameter in llama.parameters())
    vectors = project(llama, ROWS, dims=size, seed=1)
    np.testing.assert_allclose(vectors @ vectors.T, cosines, atol=1e-4)
    eigenvalues = np.clip(np.linalg.eigvalsh(cosines / 4), 1e-300, None)
    assert vendi_score(vectors) == pytest.approx(np.exp(-(eigenvalues * np.log(eigenvalues)).sum()), rel=1e-3)


def test_fewer_numbers_keep_the_cosines_nearly_for_every_seed(llama: Any, cosines: np.ndarray) -> None:
    sketches = [project(llama, ROWS, dims=1000, seed=seed) for seed in (1, 2)]
    for vectors in sketches:
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(vectors @ vectors.T, cosines, atol=0.15)
    assert not np.allclose(sketches[0], sketches[1])
    np.testing.assert_array_equal(sketches[0], project(llama, ROWS, dims=1000, seed=1))


def test_a_vector_depends_on_its_own_row_alone(llama: Any) -> None:
    together = project(llama, ROWS, dims=64, seed=1)
    for row in (2, 0):
        np.testing.assert_array_equal(project(llama, [ROWS[row]], dims=64, seed=1)[0], together[row])
    np.testing.assert_array_equal(project(llama, ROWS[::-1], dims=64, seed=1), together[::-1])


def test_equal_rows_teach_one_thing(llama: Any) -> None:
    vectors = project(llama, [ROWS[0]] * 3, dims=64, seed=1)
    assert vendi_score(vectors) == pytest.approx(1, abs=1e-4)


def test_a_model_that_learns_nothing_from_a_row_is_refused(llama: Any) -> None:
    with torch.no_grad():
        for parameter in llama.parameters():
            parameter.zero_()
    with pytest.raises(ValueError, match=r"row 0 has a gradient of norm 0\.0: choose another gradients\.proxy"):
        project(llama, ROWS, dims=64, seed=1)
