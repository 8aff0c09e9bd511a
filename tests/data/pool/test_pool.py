"""Candidates: every row read ends in exactly one of pool, held-out rows and rejects, whatever the order of the rows."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.pool.pool import Candidates, describe_absent_limits, describe_rows, split_candidates
from m2m.data.pool.pretraining_text import extract_clauses
from m2m.data.records.cleaning import ROW_COLUMNS

SETTINGS: dict[str, Any] = {"seed": 0, "heldout_share": 0.3, "min_chars": 1, "max_chars": 60, "near_duplicates": "keep"}
Row = tuple[str, str | None, str | None]
text = st.sampled_from([None, "", "a", "A", "b", "c ", "d", "e\0", "x" * 61])
any_rows = st.lists(st.tuples(st.sampled_from(["one", "two"]), text, text), max_size=12)
USABLE: list[Row] = [("one", f"q{number}", f"a{number}") for number in range(30)]


def table(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(
        [(source, at, 0, None, *both, None) for at, (source, *both) in enumerate(rows)],
        schema=ROW_COLUMNS,
        orient="row",
    )


def split(rows: list[Row], corpus_texts: set[str] | None = None, **limits: int | None) -> Candidates:
    return split_candidates(
        table(rows), corpus_texts or set(), limits or {source: None for source, *_ in rows}, **SETTINGS
    )


@settings(deadline=None, max_examples=60)
@given(any_rows, st.none() | st.integers(20, 40))
def test_every_row_ends_in_exactly_one_table(extra: list[Row], limit: int | None) -> None:
    rows = [*USABLE, ("two", "only", "mine"), *extra]
    found = split(rows, one=limit, two=None)
    assert len(found.pool) + len(found.heldout) + len(found.rejects) == len(rows)
    assert found.rejects.select("source", "row").is_unique().all()
    assert set(found.pool["id"]).isdisjoint(found.heldout["id"])


@settings(deadline=None, max_examples=20)
@given(st.permutations([*USABLE, ("one", "q1", "a1"), ("one", "q2", "other"), ("one", None, "b")]))
def test_shuffled_rows_give_the_same_pool_and_held_out_rows(rows: list[Row]) -> None:
    found, sorted_first = split(rows, one=20), split(sorted(rows, key=str), one=20)
    assert found.pool.equals(sorted_first.pool) and found.heldout.equals(sorted_first.heldout)


def test_no_question_and_no_answer_of_a_held_out_row_is_in_the_pool() -> None:
    rows: list[Row] = [("one", f"q{number // 2}", f"a{number // 3}") for number in range(90)]
    found = split(rows)
    assert not found.heldout.is_empty()
    for column in ("instruction", "response"):
        assert set(found.heldout[column]).isdisjoint(found.pool[column])


def test_one_question_with_two_answers_keeps_both_on_one_side() -> None:
    found = split([*USABLE, ("one", "q0", "another")])
    sides = [{*part.filter(pl.col("instruction") == "q0")["response"]} for part in (found.pool, found.heldout)]
    assert {"a0", "another"} in sides and set() in sides


def test_of_equal_rows_of_two_sources_the_first_source_keeps_its_own() -> None:
    found = split([("two", "q", "a"), ("one", "q", "a"), *USABLE])
    assert found.rejects["source"].to_list() == ["two"]


def test_a_row_that_quotes_the_corpus_is_a_reject_unless_it_was_split_with_it() -> None:
    quoted = "this is a sentence of more than forty characters."
    rows = table([*USABLE, ("one", "q", f"Well: yes. {quoted.title()}"), ("one", None, None)])
    found = split_candidates(rows, extract_clauses(quoted), {"one": None}, **SETTINGS)
    assert found.rejects["reason"].to_list() == ["its text is in the corpus of the base model", "no instruction"]
    grouped = split_candidates(
        rows.with_columns(group=pl.lit("toolbox.f")),
        extract_clauses(quoted),
        {"one": None},
        **SETTINGS | {"heldout_share": 0},
    )
    assert len(grouped.rejects) == 1


def test_a_source_without_anything_usable_is_an_error_with_the_reasons() -> None:
    with pytest.raises(ValueError, match="source 'two' has nothing usable: 2 rows read; 2 × no response; mend it"):
        split([*USABLE, ("two", "a", None), ("two", "b", None)])
    with pytest.raises(ValueError, match="source 'two' has nothing usable: no row was read"):
        split(USABLE, one=None, two=None)


def test_an_empty_pool_is_an_error_with_the_remedy() -> None:
    with pytest.raises(
        ValueError, match="the pool is empty: 30 rows read; 30 × beyond the limit of 0 rows; raise a limit"
    ):
        split(USABLE, one=0)


def test_a_limit_of_nothing_leaves_the_other_source() -> None:
    found = split(
        [*USABLE, *[("two", f"z{n}", f"y{n}") for n in range(9)]],
        one=0,
        two=None,
    )
    assert set(found.pool["source"]) == {"two"}


def test_the_account_says_where_the_rows_of_each_source_went() -> None:
    found = split([*USABLE, ("one", "q1", "a1"), ("two", "z", "y"), ("two", "z", None)])
    held = found.heldout.filter(source="one").height
    lines = describe_rows(found, {})
    assert lines[0] == f"one: {30 - held} pool + {held} held out + 1 rejects = 31 rows read; 1 × duplicate"
    assert lines[1].endswith("+ 1 rejects = 2 rows read; 1 × no response")


def test_a_limit_below_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="limit of source one must be 0 or more, or null for all, got -1"):
        split(USABLE, one=-1)


def test_of_equal_rows_of_one_source_the_first_stays_whatever_order_they_come_in() -> None:
    rows = table([*USABLE, ("one", "q1", "a1")])
    for some in (rows, rows.reverse()):
        assert split_candidates(some, set(), {"one": None}, **SETTINGS).rejects["row"].to_list() == [30]


@pytest.mark.parametrize("share", [-0.1, 1, 1.5])
def test_a_share_outside_its_range_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"heldout_share must be at least 0 and below 1, got {share}"):
        split_candidates(table(USABLE), set(), {"one": None}, **SETTINGS | {"heldout_share": share})


def test_nothing_is_held_out_where_the_share_is_nothing() -> None:
    found = split_candidates(table(USABLE), set(), {"one": None}, **SETTINGS | {"heldout_share": 0})
    assert found.heldout.is_empty() and found.heldout.columns == found.pool.columns
    assert len(found.pool) == len(USABLE)


def test_without_limits_only_empty_texts_are_rejects() -> None:
    rows: list[Row] = [*USABLE, ("one", "x" * 10_000, "y"), ("one", "z", "y" * 10_000), ("one", "e", "")]
    found = split_candidates(table(rows), set(), {"one": None}, **SETTINGS | {"min_chars": None, "max_chars": None})
    assert found.rejects["reason"].to_list() == ["response is empty"]


def test_near_copies_are_dropped_only_where_that_is_set_and_name_what_they_copy() -> None:
    text = " ".join(f"w{number}" for number in range(12))
    rows: list[Row] = [*USABLE, ("one", "near", text), ("one", "near", text.upper() + "!")]
    kept = split_candidates(table(rows), set(), {"one": None}, **SETTINGS)
    dropped = split_candidates(table(rows), set(), {"one": None}, **SETTINGS | {"near_duplicates": "drop"})
    assert kept.rejects.is_empty()
    (reason,) = dropped.rejects["reason"]
    original = pl.concat([dropped.pool, dropped.heldout]).filter(id=reason.removeprefix("near copy of "))
    assert original["instruction"].to_list() == ["near"]
    assert describe_rows(dropped, {})[0].endswith("= 32 rows read; 1 × near copy")


def test_origins_name_the_row_of_every_row_that_stays() -> None:
    found = split([*USABLE, ("one", "q1", "a1"), ("two", "z", None), ("two", "z", "y")], one=20, two=None)
    stay = pl.concat([found.pool, found.heldout]).sort("id")
    assert found.origins["id"].to_list() == stay["id"].to_list()
    places = {(source, row): index for index, (source, row) in enumerate([*(("one", n) for n in range(31))])}
    for (source, row), instruction in zip(
        found.origins.select("source", "row").rows(), stay["instruction"], strict=True
    ):
        assert source == "two" or USABLE[places[source, row] % 31][1] == instruction


def test_the_account_counts_the_exchanges_that_were_left_out() -> None:
    (line,) = describe_rows(split(USABLE), {"one": 25})
    assert " + 0 rejects + 25 exchanges left out (turns: each keeps them) = 55 exchanges read" in line


def test_reasons_beyond_the_most_frequent_are_counted() -> None:
    rows = table(USABLE).with_columns(
        reason=pl.when(pl.col("row") < 12).then(pl.format("reason {}", "row")).otherwise("reason")
    )
    (line,) = describe_rows(split_candidates(rows, set(), {"one": None}, **SETTINGS), {})
    assert line.count("1 × reason") == 8 and line.endswith("; 4 × other reasons")


def test_a_limit_that_is_off_says_what_a_usual_one_would_leave_out() -> None:
    lengths = [(10, 79), (10, 80), (4000, 4000), (4001, 100), (10, 4001), (1, 1)]
    rows = [("one", f"{number}".ljust(asked, "x"), "y" * answer) for number, (asked, answer) in enumerate(lengths)]
    unlimited: dict[str, Any] = SETTINGS | {"min_chars": None, "max_chars": None}
    candidates = split_candidates(table(rows), set(), {"one": None}, **unlimited)
    assert describe_absent_limits(candidates, None, None) == [
        "min_chars is off: a limit of 80 characters would leave out 2 of 6 rows",
        "max_chars is off: a limit of 4,000 characters would leave out 2 of 6 rows",
    ]
    assert describe_absent_limits(candidates, 1, 9999) == []
