"""Texts are cut to what fits, those of subsets last, and nothing in them hides."""

import json
import zlib

import numpy as np
import polars as pl
import pytest

from m2m.export.pool_texts import fit_texts
from m2m.runtime.visible_text import make_visible


def unpack(packed: bytes) -> list[list[str]]:
    return json.loads(zlib.decompress(packed))


def random_text(rng: np.random.Generator, length: int) -> str:
    return "".join(map(chr, rng.integers(97, 123, length)))


def test_characters_that_hide_or_turn_text_are_spelled_out() -> None:
    assert make_visible("a\u202eb\x00c\u200bd\ufeff\U000e0041") == "a[U+202E]b[U+0000]c[U+200B]d[U+FEFF][U+E0041]"


def test_line_ends_tabs_joiners_and_scripts_stay() -> None:
    text = "tab\tline\r\nक्\u200dष 👩\u200d💻 שלום"
    assert make_visible(text) == text.replace("\r", "")


def test_what_hides_is_spelled_out_in_the_packed_texts_too() -> None:
    pool = pl.DataFrame({"instruction": ["a\u202eb"], "response": ["c\u200bd"]})
    assert unpack(fit_texts(pool, np.array([False]), 10_000).packed) == [["a[U+202E]b", "c[U+200B]d"]]


def test_short_texts_stay_whole() -> None:
    texts = fit_texts(pl.DataFrame({"instruction": ["why?"], "response": ["so"]}), np.array([False]), 10_000)
    assert unpack(texts.packed) == [["why?", "so"]]


def test_texts_of_other_rows_are_cut_first() -> None:
    rng = np.random.default_rng(1)
    texts = [random_text(rng, 5000) for _ in range(40)]
    pool = pl.DataFrame({"instruction": texts, "response": texts})
    is_member = np.arange(40) == 7
    fitted = fit_texts(pool, is_member, 30_000)
    rows = unpack(fitted.packed)
    assert len(fitted.packed) <= 30_000 and fitted.member_limit > fitted.other_limit > 0
    assert rows[7][0] == f"{texts[7][: fitted.member_limit]}…"
    assert all(rows[row][1] == f"{texts[row][: fitted.other_limit]}…" for row in range(40) if row != 7)


def test_a_pool_too_large_for_any_text_is_refused() -> None:
    pool = pl.DataFrame({"instruction": ["a", "b"], "response": ["a", "b"]})
    with pytest.raises(ValueError, match="2 rows would be larger than 6 MB: make it of a sample"):
        fit_texts(pool, np.array([True, False]), 3)
