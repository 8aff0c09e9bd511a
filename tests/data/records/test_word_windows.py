"""Windows: equal runs of words have equal hashes, and none reaches over the end of a row."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.records.word_windows import encode_words, explain_unspaced, hash_windows, number_words, split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't PANIC, it's 42!", ["don", "t", "panic", "it", "s", "42"]),
        ("Ÿ_x été", ["ÿ_x", "été"]),
        ("读 Python 书", ["读", "python", "书"]),
        ("ดีมาก", list("ดมาก")),
        (" – ", []),
    ],
)
def test_words_are_in_lower_case_and_letters_where_a_script_has_no_spaces(text: str, words: list[str]) -> None:
    found = pl.DataFrame({"text": [text]}).select(split_words(pl.col("text")))["text"][0].to_list()
    assert [word for word in found if word.isalnum() or "_" in word] == words


rows = st.lists(st.lists(st.sampled_from("abc"), max_size=6), min_size=1, max_size=4)


@settings(deadline=None)
@given(rows, st.integers(1, 3))
def test_hashes_are_equal_exactly_where_the_words_are(rows: list[list[str]], size: int) -> None:
    words = pl.Series(rows, dtype=pl.List(pl.String))
    starts, hashes = hash_windows(encode_words(words, number_words(words)), size)
    expected = [tuple(row[at : at + size]) for row in rows for at in range(len(row) - size + 1)]
    assert len(starts) == len(expected) and len(set(zip(hashes.tolist(), expected, strict=True))) == len(set(expected))
    assert len(set(hashes.tolist())) == len(set(expected))


def test_a_window_with_a_word_that_has_no_number_is_left_out() -> None:
    words = pl.Series([["a", "b", "x", "a", "b"]])
    starts, hashes = hash_windows(encode_words(words, number_words(pl.Series([["a", "b"]]))), 2)
    assert starts.tolist() == [0, 3] and hashes[0] == hashes[1]


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (["请说明怎样种植", "Water it daily."], "1 of 2"),
        (["บอกวิธีปลูกต้นไม้", "バラの育て方を教えて"], "2 of 2"),
        (["请用 Python 写一个排序程序并解释"], "1 of 1"),
    ],
)
def test_texts_without_spaces_are_counted(texts: list[str], count: str) -> None:
    reason = str(explain_unspaced(pl.Series(texts)))
    assert reason.startswith(f"{count} texts are in a script without spaces") and "tag.engine" in reason


@pytest.mark.parametrize(
    "texts", [["שלום לכולם", "Привет всем"], ["한국어에는 공백이 있습니다"], ["Say 你好 to them all."], ["", "12"], []]
)
def test_texts_with_spaces_are_none(texts: list[str]) -> None:
    assert explain_unspaced(pl.Series(texts, dtype=pl.String)) is None
