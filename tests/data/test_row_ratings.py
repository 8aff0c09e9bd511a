"""What an LLM says of a row is a score from 1 to 6 or an error; a record's own field of that name is an error."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.data.row_ratings import parse_rating, require_free_name


@given(st.integers(1, 6), st.text(" \n*`\"'", max_size=5), st.text(" \n*`\"'.", max_size=5))
def test_a_whole_number_keeps_its_value_in_blanks_and_marks(score: int, before: str, after: str) -> None:
    assert parse_rating(f"{before}{score}{after}") == score


@given(st.text("0123456789.-+e/* x\n٤", max_size=6))
def test_any_reply_is_a_score_from_1_to_6_or_an_error(text: str) -> None:
    try:
        score = parse_rating(text)
    except ValueError:
        return
    assert 1 <= score <= 6 and str(int(score)) in text


NO_SCORES = ["7", "0", "0.5", "6.5", "", "4 of 6", "four", "４", "nan", "4 5", "-4", "1e0", "Score: 4"]
HOSTILE = ["1" * 100_000, "*" * 100_000, " " * 100_000 + "x", "1." + "1" * 100_000]


@pytest.mark.parametrize("text", [*NO_SCORES, *HOSTILE], ids=lambda text: text[:9].strip())
def test_another_reply_is_refused_at_once(text: str) -> None:
    with pytest.raises(ValueError, match="one number from 1 to 6 and nothing else"):
        parse_rating(text)


def make_origins(*records: object) -> pl.DataFrame:
    return pl.DataFrame({"id": [f"{row:02}" for row in range(len(records))], "fields": list(map(json.dumps, records))})


def test_a_name_is_free_where_it_is_a_value_a_part_of_a_name_or_a_field_within_a_field() -> None:
    names: list[object] = [{}, {"note": "llm_quality"}, {"my_llm_quality": 3}, {"by": {"llm_quality": 3}}]
    require_free_name(make_origins(*names), "llm_quality")
    with pytest.raises(ValueError, match=r"a field llm_quality, since .*, but row 04 has one: rename the field"):
        require_free_name(make_origins(*names, {"llm_quality": None}, {"llm_quality": 2}), "llm_quality")
