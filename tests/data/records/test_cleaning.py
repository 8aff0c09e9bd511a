"""Cleaning: every row that cannot be used has the reason, and equal content has equal ids."""

import hashlib
import unicodedata

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.records.cleaning import (
    add_ids,
    flag_duplicates,
    flag_unusable_rows,
    fold_case,
    normalize_text,
    tabulate_texts,
)

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


def rows(*pairs: tuple[str | None, str | None]) -> pl.DataFrame:
    return tabulate_texts([("mine", at, 0, None, *pair, None) for at, pair in enumerate(pairs)])


def reasons(*pairs: tuple[str | None, str | None], min_chars: int = 1, max_chars: int = 10) -> list[str | None]:
    return flag_unusable_rows(rows(*pairs), min_chars, max_chars)["reason"].to_list()


@settings(deadline=None, max_examples=40)
@given(texts)
def test_normalised_text_is_nfc_and_stripped_and_stays_so(text: str) -> None:
    once = pl.DataFrame({"text": [text]}).select(normalize_text(pl.col("text")))["text"]
    assert once[0] == unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    assert once.to_frame().select(normalize_text(pl.col("text")))["text"][0] == once[0]


@settings(deadline=None, max_examples=40)
@given(texts)
def test_case_and_line_breaks_do_not_matter_for_comparing(text: str) -> None:
    both = pl.DataFrame({"text": [f"a {text}", f"A\n{text}"]}).select(fold_case(pl.col("text")))["text"]
    assert both[0] == both[1]


@pytest.mark.parametrize(
    ("instruction", "response", "reason"),
    [
        ("a", "b", None),
        (None, "b", "no instruction"),
        ("a", None, "no response"),
        ("  ", "b", "instruction is empty"),
        ("a", "\n\t", "response is empty"),
        ("a\0", "b", "instruction holds a NUL character"),
        ("a", "b\0", "response holds a NUL character"),
        ("a" * 11, "b", "instruction is longer than 10 characters"),
        ("a", "b" * 11, "response is longer than 10 characters"),
        (" " + "a" * 10, "b" * 10, None),
    ],
)
def test_a_row_that_cannot_be_used_says_why(instruction: str | None, response: str | None, reason: str | None) -> None:
    assert reasons((instruction, response)) == [reason]


def test_a_short_response_is_no_use_where_a_minimum_is_set() -> None:
    assert reasons(("a", "four"), min_chars=5) == ["response is shorter than 5 characters"]


def test_a_reason_that_the_reader_gave_stays() -> None:
    read = rows((None, None)).with_columns(reason=pl.lit("is no JSON"))
    assert flag_unusable_rows(read, 1, 10)["reason"].to_list() == ["is no JSON"]


def test_ten_megabytes_are_a_reject() -> None:
    assert reasons(("a", "b" * 10_000_000)) == ["response is longer than 10 characters"]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(texts, texts), max_size=6))
def test_ids_are_equal_exactly_where_both_texts_are(pairs: list[tuple[str, str]]) -> None:
    found = add_ids(rows(*pairs))
    assert found["id"].n_unique() == len(set(pairs))
    assert all(len(id) == 16 for id in found["id"])


def test_instruction_and_response_cannot_change_places_or_run_together() -> None:
    assert add_ids(rows(("a", "b"), ("b", "a"), ("ab", ""), ("", "ab")))["id"].n_unique() == 4


def test_of_duplicates_the_first_stays_and_the_others_name_it() -> None:
    found = flag_duplicates(add_ids(rows(("a", "b"), ("a", "c"), ("a", "b"))))
    assert found["reason"].to_list() == [None, None, f"duplicate of {found['id'][0]}"]


def test_rejects_are_no_duplicates_of_each_other() -> None:
    found = flag_duplicates(add_ids(flag_unusable_rows(rows((None, "b"), (None, "b")), 1, 10)))
    assert found["reason"].to_list() == ["no instruction", "no instruction"]


def test_no_rows_are_no_problem() -> None:
    assert flag_duplicates(add_ids(flag_unusable_rows(rows(), 1, 10))).is_empty()


def test_an_id_is_that_of_sha_256() -> None:
    assert add_ids(rows(("a", "b")))["id"][0] == hashlib.sha256(b"a\0b").hexdigest()[:16]


def test_lengths_are_in_characters_and_marks_are_composed() -> None:
    found = flag_unusable_rows(rows(("e\u0301" * 10, "\u00e9" * 10)), 1, 10)
    assert found["reason"].to_list() == [None] and found["instruction"][0] == "\u00e9" * 10


INVISIBLE = {
    "zero-width space": "\u200b", "joiners": "\u2060\u200d", "byte order mark": "\ufeff", "soft hyphen": "\u00ad",
    "Braille blank": "\u2800", "Hangul filler": "\u3164\uffa0", "tags": "\U000e0061", "marks": "\u200e\u200f",
    "variation selector": "\ufe0f", "grapheme joiner": "\u034f", "no-break": "\u00a0\u3000", "controls": "\x01\x02",
}  # fmt: skip


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
def test_text_that_nobody_can_see_is_empty(text: str) -> None:
    assert reasons(("a", text * 3), (text, "b")) == ["response is empty", "instruction is empty"]
    assert reasons(("a", f"b{text}")) == [None]


def test_null_limits_are_off() -> None:
    long = rows(("a" * 9999, "b"), ("a", "b" * 9999))
    assert flag_unusable_rows(long, None, None)["reason"].to_list() == [None, None]
    assert flag_unusable_rows(long, 2, None)["reason"].to_list() == ["response is shorter than 2 characters", None]
    assert flag_unusable_rows(long, None, 9)["reason"].to_list() == [
        "instruction is longer than 9 characters",
        "response is longer than 9 characters",
    ]
