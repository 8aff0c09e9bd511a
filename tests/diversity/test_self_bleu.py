"""Self-BLEU against NLTK."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from m2m.diversity.ngrams import count_ngrams
from m2m.diversity.self_bleu import self_bleu


def ours(texts: list[list[int]]) -> float:
    offsets = np.cumsum([0, *map(len, texts)])
    flat = np.array([token for text in texts for token in text], np.int32)
    return self_bleu(count_ngrams(flat, offsets), np.diff(offsets))


def nltk(texts: list[list[int]]) -> float:
    smooth = SmoothingFunction().method1
    scores = [
        sentence_bleu(texts[:i] + texts[i + 1 :], text, smoothing_function=smooth) for i, text in enumerate(texts)
    ]
    return sum(scores) / len(scores)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 4), max_size=14), min_size=2, max_size=9))
def test_self_bleu_equals_nltk(texts: list[list[int]]) -> None:
    assert ours(texts) == pytest.approx(nltk(texts), abs=1e-12)


def test_self_bleu_equals_nltk_on_zipf_tokens_of_many_lengths() -> None:
    rng = np.random.default_rng(0)
    texts = [(rng.zipf(1.3, size) % 5000).tolist() for size in rng.integers(0, 120, 40)]
    assert ours(texts) == pytest.approx(nltk(texts), abs=1e-12)


@pytest.mark.parametrize(
    ("texts", "score"),
    [
        ([[1, 2, 3, 4, 5]] * 3, 1.0),
        ([[1, 2, 3, 4], [5, 6, 7, 8]], 0.0),
        ([[], []], 0.0),
        ([[], [1, 2, 3, 4], [1, 2, 3, 4]], 2 / 3),
    ],
    ids=["all equal", "nothing shared", "all empty", "one empty"],
)
def test_known_scores(texts: list[list[int]], score: float) -> None:
    assert ours(texts) == pytest.approx(score, abs=1e-15)


def test_equal_texts_shorter_than_four_tokens_score_as_nltk_smooths_them() -> None:
    assert ours([[1, 2]] * 3) == pytest.approx(nltk([[1, 2]] * 3), abs=1e-12)


def test_the_closest_length_is_the_shorter_of_two_as_close() -> None:
    texts = [[1, 1, 1, 1], [1, 1], [1, 1, 1, 1, 1, 1]]
    assert ours(texts) == pytest.approx(nltk(texts), abs=1e-12)


def test_one_text_alone_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 2 texts are needed, got 1"):
        ours([[1, 2, 3]])
