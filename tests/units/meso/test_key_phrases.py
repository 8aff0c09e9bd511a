"""Key phrases of toy texts."""

import pytest

from m2m.units.meso.key_phrases import extract_phrases, list_phrases

TEXTS = ["Sparse matrix product.", "Sparse matrix of the graph.", "A graph is drawn.", "The product is drawn."]
IDS = ["a", "b", "c", "d"]


def tags(
    texts: list[str] = TEXTS, per_text: int = 4, max_words: int = 2, min_share: float = 0.5
) -> list[tuple[str, str]]:
    return extract_phrases([f"{at}" for at in range(len(texts))], texts, per_text, max_words, min_share, 1.0).rows()


def test_phrases_do_not_cross_stop_words_or_punctuation() -> None:
    assert list_phrases("Sparse matrix of the graph, numpy.linalg", 2) == [
        "sparse", "matrix", "sparse matrix", "graph", "numpy", "linalg",
    ]  # fmt: skip


def test_a_phrase_that_repeats_a_word_is_none() -> None:
    assert list_phrases("series series", 2) == ["series", "series"]


def test_numbers_and_single_letters_are_no_words() -> None:
    assert list_phrases("x 42 3dim 日本, don't", 2) == ["日本", "don"]


def test_vowel_signs_belong_to_their_words() -> None:
    assert list_phrases("हिन्दी भाषा", 2) == ["हिन्दी", "भाषा", "हिन्दी भाषा"]
    assert list_phrases("⚠️warning", 2) == ["warning"]


def test_phrases_of_one_text_share_no_word() -> None:
    assert [tag for row, tag in tags() if row == "0"] == ["matrix", "product", "sparse"]


def test_a_text_has_at_most_per_text_tags() -> None:
    assert [tag for row, tag in tags(per_text=1) if row == "0"] == ["matrix"]  # ties go to the alphabet


def test_rare_and_frequent_phrases_are_no_tags() -> None:
    found = extract_phrases(IDS, TEXTS, 4, 1, 0.5, 0.5)
    assert set(found["tag"]) == {"drawn", "graph", "matrix", "product", "sparse"}
    with pytest.raises(
        ValueError,
        match=r"tag\.min_share 0\.9 to tag\.max_share 1 of .*: lower min_share or raise",
    ):
        extract_phrases(IDS, TEXTS, 4, 1, 0.9, 1.0)


def test_equal_texts_have_equal_tags() -> None:
    assert [tag for _, tag in tags(["Draw a graph"] * 3)] == ["draw", "graph"] * 3


def test_row_order_changes_nothing() -> None:
    there = extract_phrases(IDS, TEXTS, 2, 2, 0.5, 1.0)
    back = extract_phrases(IDS[::-1], TEXTS[::-1], 2, 2, 0.5, 1.0)
    assert there.equals(back)


def test_one_text_with_one_word() -> None:
    assert tags(["Graph"]) == [("0", "graph")]


def test_texts_without_a_word_are_a_clear_error() -> None:
    with pytest.raises(ValueError, match=r"none of 2 texts has a key phrase .*: set tag\.engine to"):
        tags(["1 2 3", "the"])


def test_of_more_phrases_than_a_text_may_have_the_rarest_and_most_repeated_are_its_tags() -> None:
    texts = ["Apple. Zebra, zebra.", "An apple.", "The apple.", "A zebra."]
    assert tags(texts, per_text=1, max_words=1)[0] == ("0", "zebra")
