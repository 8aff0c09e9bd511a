"""All metrics of one side together: names, oracles by hand, order, degenerate sides."""

import gzip
import math

import numpy as np
import pytest
from scipy.stats import entropy

from m2m.diversity.metrics import compression_ratio, measure_side

RATIOS = [f"ngram_ratio_{n}" for n in range(1, 5)]
NAMES = [
    "ngram_ratio",
    *RATIOS,
    "embedding_distance",
    "mean_tokens",
    "compression_ratio",
    "self_bleu",
    "token_entropy",
    "vendi",
]


def side(texts: list[list[int]]) -> dict[str, float]:
    flat = np.array([token for text in texts for token in text], np.int32)
    vectors = np.random.default_rng(0).normal(size=(len(texts), 4)).astype(np.float32)
    words = [" ".join(map(str, text)) for text in texts]
    return measure_side(flat, np.cumsum([0, *map(len, texts)]), words, vectors)


def test_every_metric_has_its_name_and_is_finite() -> None:
    metrics = side([[1, 2, 3, 1, 2], [2, 3, 4, 5], [9]])
    assert list(metrics) == NAMES
    assert all(type(value) is float and math.isfinite(value) for value in metrics.values())


def test_toy_texts_have_the_numbers_worked_out_by_hand() -> None:
    metrics = side([[1, 1, 2, 3], [1, 1, 2, 4]])
    assert metrics["mean_tokens"] == 4
    assert [metrics[name] for name in RATIOS] == pytest.approx([4 / 8, 4 / 6, 3 / 4, 1])
    assert metrics["ngram_ratio"] == pytest.approx((4 / 8 + 4 / 6 + 3 / 4 + 1) / 4)
    assert metrics["token_entropy"] == pytest.approx(entropy([4, 2, 1, 1], base=2))
    assert metrics["self_bleu"] == pytest.approx((3 / 4 * 2 / 3 * 1 / 2 * 0.1) ** 0.25)


def test_compression_ratio_equals_gzip_by_hand() -> None:
    raw = "ä line\nä line\nend".encode()
    assert compression_ratio(["ä line", "ä line", "end"]) == len(raw) / len(gzip.compress(raw, 9, mtime=0))


def test_repetition_compresses_better() -> None:
    assert compression_ratio(["the same words again"] * 50) > compression_ratio([f"{i} is {i * i}" for i in range(50)])


def test_texts_without_a_character_compress_to_nothing() -> None:
    assert compression_ratio([""]) == 0


@pytest.mark.parametrize("texts", [[[5, 6, 7, 8, 9]] * 4, [[5]] * 2, [[], [5, 5]]], ids=["equal", "short", "an empty"])
def test_degenerate_sides_have_finite_metrics(texts: list[list[int]]) -> None:
    assert all(math.isfinite(value) for value in side(texts).values())


@pytest.mark.parametrize(
    ("texts", "rule"),
    [
        ([], "at least 2 are needed, got 0"),
        ([[1, 2, 3]], "at least 2 are needed, got 1"),
        ([[], []], "none of the 2 rows has a token"),
    ],
)
def test_a_side_that_cannot_be_measured_is_an_error(texts: list[list[int]], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        side(texts)


def test_inputs_of_different_rows_are_an_error() -> None:
    with pytest.raises(ValueError, match="of the same rows, got 2, 1 and 2"):
        measure_side(np.array([1, 2]), np.array([0, 1, 2]), ["a"], np.eye(2, dtype=np.float32))
