"""Top words of toy clusters."""

from math import log

import numpy as np
import pytest

from m2m.units.macro.cluster_words import describe_clusters, rank_words

TEXTS = ["apple apple pear", "apple plum", "iron plum", "the"]


def test_words_are_ranked_by_the_class_based_weight() -> None:
    labels = np.array([0, 0, 1, 1])
    # words: 5 and 2, average 3.5; apple 3, pear 1, plum 2, iron 1
    weight = {"apple": 3 / 5 * log(1 + 3.5 / 3), "pear": 1 / 5 * log(1 + 3.5), "plum": 1 / 5 * log(1 + 3.5 / 2)}
    assert rank_words(TEXTS, labels, 5)[0] == sorted(weight, key=weight.__getitem__, reverse=True)
    assert rank_words(TEXTS, labels, 1)[1] == ["iron"]


def test_equal_weights_go_by_the_alphabet() -> None:
    assert rank_words(["pear apple", "plum"], np.array([0, 1]), 2)[0] == ["apple", "pear"]


def test_a_cluster_of_stop_words_has_no_words() -> None:
    assert rank_words(TEXTS, np.array([0, 0, 0, 1]), 3)[1] == []


def test_no_word_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty vocabulary"):
        rank_words(["the"], np.array([0]), 3)


def test_the_table_is_sorted_by_size_and_lists_the_noise() -> None:
    table = describe_clusters(TEXTS, np.array([1, 0, 0, -1]))
    assert table.drop("words").rows() == [("0", 2, 0.5), ("-1", 1, 0.25), ("1", 1, 0.25)]


def test_noise_is_listed_when_there_is_none() -> None:
    assert describe_clusters(["plum"], np.array([0])).rows() == [("0", 1, 1.0, "plum"), ("-1", 0, 0.0, "")]


def test_no_word_of_a_pool_begins_a_formula() -> None:
    texts = ["=cmd|'/C calc'!A0 +1+1 @SUM(A1) -2+3 \t=x \r=y =HYPERLINK(\"http://e.org\")", "=1 plain words"]
    words = [word for row in describe_clusters(texts, np.array([0, 1]))["words"] for word in row.split(", ")]
    assert "hyperlink" in words and not any(word.startswith(("=", "+", "-", "@", "\t", "\r")) for word in words)
