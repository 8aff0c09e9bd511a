"""Overlap: exact prompts and 13 words in a row are found on either side, with the words; nothing else is."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.benchmarks import overlap
from m2m.data.benchmarks.overlap import find_overlaps
from m2m.data.records.record_formats import DETECTED, read_exchanges
from m2m.schemas.overlaps import Overlaps

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
FIRST, SECOND = " ".join(LONG.split()[:13]), " ".join(LONG.split()[1:])


def overlaps(rows: dict[str, tuple[str, str]], **prompts: str) -> list[tuple[Any, ...]]:
    pool = pl.DataFrame([(id, *texts) for id, texts in rows.items()], ["id", "instruction", "response"], orient="row")
    asked = pl.DataFrame(list(prompts.items()), schema={"id": pl.String, "instruction": pl.String}, orient="row")
    return Overlaps.validate(find_overlaps(pool, asked)).rows()


@pytest.mark.parametrize("text", ["What is red?", "what IS\nred", " What — is «red» "])
def test_an_exact_prompt_is_found_on_either_side_without_case_and_marks(text: str) -> None:
    found = overlaps({"a": (text, "Blood."), "b": ("Repeat.", text)}, p="What is red?")
    assert found == [
        ("a", "p", "instruction", "exact", 0, "what is red"),
        ("b", "p", "response", "exact", 0, "what is red"),
    ]


def test_a_short_prompt_inside_a_text_is_no_overlap() -> None:
    assert overlaps({"a": ("What is red? And blue?", "x"), "b": ("", "—")}, p="What is red?", q="…") == []


ASKED = {"role": "user", "content": "What is red?"}
TOLD = {"role": "assistant", "content": "Blood."}


@pytest.mark.parametrize(
    "record",
    [
        {"messages": [{"role": "system", "content": "Be brief.\n\nBe kind."}, ASKED, TOLD]},
        {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Ho."}, ASKED, TOLD]},
        {"messages": [ASKED, TOLD, {"role": "user", "content": "More."}, {"role": "assistant", "content": "Rust."}]},
        {
            "messages": [
                {"role": "user", "content": "Hi."},
                {"role": "assistant", "content": "What is red?"},
                ASKED,
                TOLD,
            ]
        },
        {"instruction": "What is red?", "input": "rose, sky, grass", "output": "rose"},
        {"instruction": "What is red?", "context": " ".join(["rose"] * 99), "output": "rose"},
        {"instruction": "What is red?", "output": "rose", "history": [["Hi.", "Ho."]], "system": "Be brief."},
    ],
)
def test_a_short_prompt_is_found_beside_all_that_a_record_joins_to_its_question(record: dict[str, Any]) -> None:
    text = str(read_exchanges(record, DETECTED, "last").pairs[0].instruction)
    assert text != "What is red?"
    assert overlaps({"a": (text, "x")}, p="what is red") == [("a", "p", "instruction", "exact", 0, "what is red")]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("Be brief.\n\nWhat is red?\n\n***\n\nRose, sky.", True),
        ("Be brief.\n\nUser: What is red?\n\n\nAssistant: Rose, sky.\n\nUser: Why?", True),
        ("What is red?\n\nBe brief.\n\nRose, sky.", False),
        ("What is red? Rose, sky.\n\nBe brief.", True),
        ("Oh: What is red?\n\nRose, sky.", False),
        ("Student: What is red?\n\nRose, sky.", False),
    ],
)
def test_a_short_prompt_of_several_parts_is_found_where_they_stand_in_a_row(text: str, is_found: bool) -> None:
    matches = overlaps({"a": ("x", text)}, p="What is red?\n\nRose, sky.")
    assert matches == [("a", "p", "response", "exact", 0, "what is red rose sky")] * is_found


def test_a_prompt_of_thirteen_words_is_no_part_but_a_run_of_words() -> None:
    twelve = " ".join(LONG.split()[:12])
    found = overlaps({"a": (f"Be brief.\n\n{FIRST}", "x"), "b": (f"Be brief.\n\n{twelve}", "x")}, p=FIRST, q=twelve)
    assert [row[:4] for row in found] == [("a", "p", "instruction", "13-gram"), ("b", "q", "instruction", "exact")]


def test_thirteen_words_in_a_row_are_found_and_counted() -> None:
    found = overlaps({"a": (f"Please: {LONG.upper()}!", "x"), "b": ("y", f"… {SECOND}")}, p=LONG, q=f"Oh {FIRST}")
    assert found == [
        ("a", "p", "instruction", "13-gram", 2, FIRST),
        ("a", "q", "instruction", "13-gram", 1, FIRST),
        ("b", "p", "response", "13-gram", 1, SECOND),
    ]


def test_twelve_words_are_none_and_no_run_reaches_from_one_row_into_the_next() -> None:
    words = LONG.split()
    assert overlaps({"a": (" ".join(words[:12]), "x"), "b": (" ".join(words[12:]), "x")}, p=LONG) == []


def test_without_prompts_or_rows_there_is_no_overlap() -> None:
    assert overlaps({"a": (LONG, LONG)}) == [] == overlaps({}, p=LONG)


def test_rows_are_found_in_every_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlap, "CHUNK_ROWS", 2)
    found = overlaps({str(number): ("x", LONG if number == 3 else f"other {number}") for number in range(5)}, p=LONG)
    assert [row[:4] for row in found] == [("3", "p", "response", "13-gram"), ("3", "p", "response", "exact")]


words = st.lists(st.sampled_from("ab"), max_size=17).map(" ".join)
sides = st.lists(words, min_size=1, max_size=4).map("\n\n".join)


@settings(deadline=None, max_examples=60)
@given(st.lists(sides, min_size=1, max_size=4), st.lists(words, min_size=1, max_size=3))
def test_found_are_exactly_the_rows_that_share_a_run(texts: list[str], prompts: list[str]) -> None:
    def runs(text: str) -> set[tuple[str, ...]]:
        return {tuple(text.split()[at : at + 13]) for at in range(len(text.split()) - 12)}

    def rows_of_parts(text: str) -> set[tuple[str, ...]]:
        parts = text.split("\n\n")
        rows = {tuple(" ".join(parts[at:end]).split()) for end in range(len(parts) + 1) for at in range(end)}
        return {row for row in rows if len(row) < 13} | {tuple(text.split())}

    found = overlaps(
        {str(number): (text, "c") for number, text in enumerate(texts)},
        **{f"p{number}": text for number, text in enumerate(prompts)},
    )
    shared = {(str(n), f"p{m}") for n, text in enumerate(texts) for m, p in enumerate(prompts) if runs(text) & runs(p)}
    assert {row[:2] for row in found if row[3] == "13-gram"} == shared
    equal = {
        (str(n), f"p{m}")
        for n, text in enumerate(texts)
        for m, p in enumerate(prompts)
        if p and tuple(p.split()) in rows_of_parts(text)
    }
    assert {row[:2] for row in found if row[3] == "exact"} == equal
