"""The split depends on content and seed alone, and no answer and no question is on both sides."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.data.records.hash_split import draw_uniform, limit_rows, pick_heldout

short = st.sampled_from(["a", "A", "b", "c", "d", "e", "f"])
tables = st.lists(st.tuples(short, short, short), min_size=1, max_size=20).map(
    lambda rows: pl.DataFrame(rows, schema=["group", "instruction", "response"], orient="row")
)


def usable(*ids: str, source: str = "mine") -> pl.DataFrame:
    columns = {"id": list(ids), "source": [source] * len(ids), "reason": [None] * len(ids)}
    return pl.DataFrame(columns, schema_overrides={"reason": pl.String, "id": pl.String})


@settings(deadline=None, max_examples=40)
@given(st.text(max_size=5), st.integers(0, 99))
def test_a_draw_is_in_the_unit_interval_and_repeatable(text: str, seed: int) -> None:
    assert 0 <= draw_uniform(text, "corpus", seed) == draw_uniform(text, "corpus", seed) < 1


def test_a_draw_is_the_same_in_every_process() -> None:
    assert draw_uniform("a", "heldout", 0) == pytest.approx(0.8899974878)


def test_draws_are_spread_evenly() -> None:
    draws = [draw_uniform(str(number), "corpus", 0) for number in range(2000)]
    assert abs(sum(draw < 0.3 for draw in draws) / 2000 - 0.3) < 0.03


def test_purposes_and_seeds_are_independent() -> None:
    assert len({draw_uniform("a", purpose, seed) for purpose in ("corpus", "heldout") for seed in (0, 1)}) == 4


@settings(deadline=None, max_examples=40)
@given(tables, st.floats(0, 1), st.integers(0, 9))
def test_no_group_no_instruction_and_no_response_is_on_both_sides(rows: pl.DataFrame, share: float, seed: int) -> None:
    held = pick_heldout(rows, share, seed)
    for column in rows.columns:
        side = (
            {str(text).lower() for text in rows.filter(held)[column]}
            if column != "group"
            else set(rows.filter(held)[column])
        )
        other = (
            {str(text).lower() for text in rows.filter(~held)[column]}
            if column != "group"
            else set(rows.filter(~held)[column])
        )
        assert side.isdisjoint(other)


@settings(deadline=None, max_examples=40)
@given(tables, st.integers(0, 9))
def test_the_order_of_rows_does_not_matter(rows: pl.DataFrame, seed: int) -> None:
    assert pick_heldout(rows, 0.5, seed).to_list() == pick_heldout(rows.reverse(), 0.5, seed).reverse().to_list()


def test_unlinked_rows_are_held_out_by_their_own_hash_alone() -> None:
    groups = [f"question {number}" for number in range(1000)]
    held = pick_heldout(pl.DataFrame({"group": groups, "instruction": groups, "response": groups}), 0.1, 3)
    assert held.to_list() == [draw_uniform(group, "heldout", 3) < 0.1 for group in groups]
    assert 70 < held.sum() < 130


def test_a_popular_answer_goes_to_the_pool() -> None:
    questions = [f"question {number}" for number in range(100)]
    rows = pl.DataFrame({"group": questions, "instruction": questions, "response": ["Yes."] * 100})
    assert pick_heldout(rows, 0.5, 0).sum() == 0


def test_no_rows_are_no_problem() -> None:
    assert pick_heldout(
        pl.DataFrame(schema=dict.fromkeys(["group", "instruction", "response"], pl.String)), 0.5, 0
    ).is_empty()


@pytest.mark.parametrize(("limit", "kept"), [(None, 5), (9, 5), (5, 5), (2, 2), (0, 0)])
def test_at_most_the_limit_is_kept(limit: int | None, kept: int) -> None:
    found = limit_rows(usable(*"abcde"), {"mine": limit}, 0)
    assert found["reason"].null_count() == kept
    assert set(found["reason"].drop_nulls()) <= {f"beyond the limit of {limit} rows"}


@settings(deadline=None, max_examples=40)
@given(st.permutations("abcdefgh"), st.integers(0, 8), st.integers(0, 9))
def test_which_rows_are_kept_depends_on_their_ids_alone_and_a_higher_limit_adds(
    ids: list[str], limit: int, seed: int
) -> None:
    def kept(ids: list[str], limit: int) -> set[str]:
        return set(limit_rows(usable(*ids), {"mine": limit}, seed).filter(pl.col("reason").is_null())["id"])

    assert kept(ids, limit) == kept(sorted(ids), limit) <= kept(ids, limit + 1)


def test_each_source_has_its_own_limit_and_rejects_do_not_count() -> None:
    rejected = usable("z").with_columns(reason=pl.lit("no response"), id=pl.lit(None, pl.String))
    table = pl.concat([usable(*"abc"), rejected, usable(*"xy", source="other")])
    found = limit_rows(table, {"mine": 2, "other": 1}, 0).filter(pl.col("reason").is_null())
    assert found["source"].to_list() == ["mine", "mine", "other"]


@pytest.mark.parametrize("column", ["instruction", "response"])
def test_texts_that_differ_in_case_alone_are_on_one_side(column: str) -> None:
    """Alike in pairs and no further: of few words all rows hang together, and none is held out."""
    own = [f"q{at}" for at in range(400)]
    alike = [f"{text} {at}" for at in range(200) for text in ("Yes", "YES")]
    rows = pl.DataFrame({"group": own, "instruction": own, "response": own} | {column: alike})
    held = pick_heldout(rows, 0.5, 0).to_list()
    assert held[::2] == held[1::2] and any(held)
