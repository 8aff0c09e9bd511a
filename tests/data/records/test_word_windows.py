"""Windows: equal runs of words have equal hashes, and none reaches over the end of a row."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.records.word_windows import encode_words, hash_windows, number_words, split_words


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
