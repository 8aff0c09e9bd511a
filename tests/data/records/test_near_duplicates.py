"""Near copies: found by shingles, verified exactly, each names the row that stays, whatever the order of rows."""

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.records import near_duplicates
from m2m.data.records.near_duplicates import MOST_EQUAL, flag_near_duplicates

WORDS = [f"w{number}" for number in range(500)]
LONG = " ".join(WORDS[:200])


def table(*texts: str) -> pl.DataFrame:
    ids = [f"{number:04}" for number in range(len(texts))]
    columns = {"id": ids, "instruction": ["Ask?"] * len(texts), "response": texts, "reason": [None] * len(texts)}
    return pl.DataFrame(columns, schema_overrides={"reason": pl.String, "response": pl.String, "id": pl.String})


def reasons(*texts: str, threshold: float = 0.8) -> list[str | None]:
    return flag_near_duplicates(table(*texts), threshold)["reason"].to_list()


def test_slices_change_no_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [" ".join(random.Random(number // 3).choices(WORDS, k=30)) + " end" * (number % 3) for number in range(40)]
    texts[5] = ""
    whole = reasons(*texts)
    assert len([reason for reason in whole if reason]) > 20
    monkeypatch.setattr(near_duplicates, "SHINGLED_ROWS", 7)
    assert reasons(*texts) == whole


@pytest.mark.parametrize(
    "copy", [LONG.upper(), LONG.replace(" ", ",  "), f"{LONG} more", LONG.replace("w100 ", "other "), f"Well: {LONG}!"]
)
def test_a_copy_with_another_case_marks_or_a_word_more_names_the_row_that_stays(copy: str) -> None:
    assert reasons(LONG, "Something else altogether is said here.", copy) == [None, None, "near copy of 0000"]


def test_rows_below_the_threshold_stay() -> None:
    shifted = " ".join(WORDS[20:220])  # 178 of 220 shingles are shared: 0.81
    assert reasons(LONG, shifted) == [None, "near copy of 0000"]
    assert reasons(LONG, shifted, threshold=0.82) == [None, None]


def test_texts_without_spaces_are_compared_by_letters() -> None:
    text = "请说明怎样种植月季花每天浇水多少什么时候修剪枝条最好以及冬天如何保护它们"
    assert reasons(text, text.replace("冬天", "夏天") + "吗", threshold=0.6) == [None, "near copy of 0000"]


def test_a_copy_of_a_copy_that_went_is_compared_with_what_stays() -> None:
    chain = [" ".join(WORDS[start : start + 100]) for start in (0, 12, 24)]  # neighbours share 88 of 112 words
    assert reasons(*chain, threshold=0.7) == [None, "near copy of 0000", None]


def test_rejects_are_not_compared_and_keep_their_reason() -> None:
    rows = table(LONG, LONG + " x").with_columns(reason=pl.Series(["is no JSON", None]))
    assert flag_near_duplicates(rows, 0.8)["reason"].to_list() == ["is no JSON", None]


def test_many_copies_and_empty_tables_are_no_problem() -> None:
    copies = [f"{LONG} {number}" for number in range(3 * MOST_EQUAL)]
    assert reasons(*copies) == [None, *["near copy of 0000"] * (len(copies) - 1)]
    assert reasons() == [] and reasons("", "a") == [None, None]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    rng = random.Random(seed)
    texts = [" ".join(WORDS[start : start + 60]) for start in rng.choices(range(0, 200, 4), k=20)]
    rows = table(*texts)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=seed)
    assert flag_near_duplicates(shuffled, 0.7).sort("id").equals(flag_near_duplicates(rows, 0.7))
