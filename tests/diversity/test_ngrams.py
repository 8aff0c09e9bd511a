"""N-gram counts against plain Python, and distinct shares of toy texts."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.diversity.ngrams import NgramCounts, count_ngrams, ngram_ratios

TEXTS = st.lists(st.lists(st.integers(0, 5), max_size=12), min_size=1, max_size=8)


def counts_of(texts: list[list[int]]) -> list[NgramCounts]:
    flat = np.array([token for text in texts for token in text], np.int32)
    return count_ngrams(flat, np.cumsum([0, *map(len, texts)]))


def grams(text: list[int], n: int) -> list[tuple[int, ...]]:
    return [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]


def held(texts: list[list[int]], n: int) -> list[list[tuple[int, int]]]:
    """For each n-gram who holds it how often, without the n-gram's name."""
    by_text = [Counter(grams(text, n)) for text in texts]
    kinds = set().union(*by_text)
    return sorted([(i, c[kind]) for i, c in enumerate(by_text) if kind in c] for kind in kinds)


@given(TEXTS)
def test_counts_equal_plain_python(texts: list[list[int]]) -> None:
    for n, counts in enumerate(counts_of(texts), start=1):
        ours: dict[int, list[tuple[int, int]]] = {}
        for kind, text, times in zip(*(column.tolist() for column in counts), strict=True):
            ours.setdefault(kind, []).append((text, times))
        assert sorted(ours.values()) == held(texts, n)
        assert sorted(ours) == list(range(len(ours)))


@given(TEXTS, st.sampled_from([2**31 - 1, 2**20]))
def test_large_token_ids_count_like_small_ones(texts: list[list[int]], top: int) -> None:
    large = [[top - token for token in text] for text in texts]
    assert ngram_ratios(counts_of(large)) == ngram_ratios(counts_of(texts))


def test_keys_that_do_not_fit_64_bits_with_the_text_are_ranked_first() -> None:
    rows, top = 70_000, 2**31 - 1
    tokens = np.arange(3 * rows, dtype=np.int32)
    tokens[2::3] = top
    counts = count_ngrams(tokens, np.arange(rows + 1) * 3)
    assert ngram_ratios(counts) == [(2 * rows + 1) / (3 * rows), 1, 1]
    assert (counts[2].text == np.arange(rows)).all()


def test_ratio_of_a_known_text() -> None:
    assert ngram_ratios(counts_of([[1, 1, 1, 1, 1]])) == [1 / 5, 1 / 4, 1 / 3, 1 / 2]


def test_ngrams_do_not_cross_texts() -> None:
    assert ngram_ratios(counts_of([[1, 2], [3, 4]])) == [1, 1]


def test_an_n_longer_than_every_text_is_left_out() -> None:
    assert ngram_ratios(counts_of([[1], [1]])) == [0.5]


@pytest.mark.parametrize("texts", [[[]], [[], []]])
def test_empty_texts_have_no_ngrams(texts: list[list[int]]) -> None:
    assert ngram_ratios(counts_of(texts)) == []
