"""Texts → a hash for each run of so many words, with the row that it stands in."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Int64, UInt32, UInt64

UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"  # scripts without spaces
WORD_PATTERN = rf"{UNSPACED}|[\w--{UNSPACED}]+"
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # of the rolling hash, modulo 2**64


class EncodedWords(NamedTuple):
    """The words of all rows, one after the other: row, the word itself, and its code; 0 is a word without a code."""

    rows: UInt32[np.ndarray, "words"]
    texts: pl.Series
    codes: UInt64[np.ndarray, "words"]


def split_words(text: pl.Expr) -> pl.Expr:
    """The words of `text` in lower case, without marks; where a script has no spaces a letter counts as a word."""
    return text.str.to_lowercase().str.extract_all(WORD_PATTERN)


def explain_unspaced(texts: pl.Series) -> str | None:
    """A sentence where at least half of `texts` are mostly in a script without spaces: phrases have no words there."""
    letters = pl.col("text").str.count_matches(r"\p{L}")
    unspaced = texts.alias("text").to_frame().select(2 * pl.col("text").str.count_matches(UNSPACED) > letters)
    count = int(unspaced.to_series().sum())
    if count == 0 or 2 * count < len(texts):
        return None
    return (
        f"{count} of {len(texts)} texts are in a script without spaces between words, such as Chinese, Japanese or "
        "Thai, where key phrases cannot be found: set tag.engine to endpoint or local"
    )


def number_words(words: pl.Series) -> pl.DataFrame:
    """word, code: 1, 2, … for the words of a list column, in their order."""
    vocabulary = words.explode(empty_as_null=False).unique().sort()
    return pl.DataFrame({"word": vocabulary, "code": np.arange(1, len(vocabulary) + 1, dtype=np.uint64)})


def encode_words(words: pl.Series, codes: pl.DataFrame) -> EncodedWords:
    """The words of a list column with the codes of `number_words`."""
    flat = words.alias("word").to_frame().with_row_index("row").explode("word", empty_as_null=False)
    coded = flat.join(codes, on="word", how="left", maintain_order="left")
    return EncodedWords(coded["row"].to_numpy(), coded["word"], coded["code"].fill_null(0).to_numpy())


def hash_windows(words: EncodedWords, size: int) -> tuple[Int64[np.ndarray, "windows"], UInt64[np.ndarray, "windows"]]:
    """Start and hash of each run of `size` words inside one row; a run with a word of code 0 is left out."""
    count = max(len(words.codes) - size + 1, 0)
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(size):
        hashes = hashes * FACTOR + words.codes[offset : offset + count]
    unknown = np.append(0, np.cumsum(words.codes == 0))
    is_inside = words.rows[:count] == words.rows[size - 1 :][:count]
    starts = np.flatnonzero(is_inside & (unknown[size:][:count] == unknown[:count]))
    mixed = hashes[starts]
    return starts, (mixed ^ (mixed >> np.uint64(29))) * FACTOR
