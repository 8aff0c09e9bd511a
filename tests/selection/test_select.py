"""The numbers that describe a subset, on toys whose numbers are known."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.selection.incidence import Incidence, group_pairs, build_incidence
from m2m.selection.select import describe_chain, describe_draw, measure_evenness, select

# three rows of unit 0, two of unit 1, one of unit 2, and a row without a unit
INCIDENCE = group_pairs(np.array([0, 1, 2, 3, 4, 5], np.int32), np.array([0, 0, 0, 1, 1, 2], np.int32), 7, 3)
ONES = np.ones(7, np.int64)


def test_the_chain_is_told_in_numbers() -> None:
    rng = np.random.default_rng(0)
    chosen = select(INCIDENCE, ONES, degree=3, size=2, slack=1.5, weights="uniform", rng=rng)
    assert describe_chain(chosen) == {
        "candidate_rows": 5,
        "k": 2,
        "k_by_degree": [1, 1, 2, 2, 2, 3, 3],
        "k_max": 3,
        "k_min": 1,
    }


def test_the_draw_is_told_in_numbers() -> None:
    rng = np.random.default_rng(0)
    chosen = select(INCIDENCE, ONES, degree=6, size=6, slack=1, weights="uniform", rng=rng)
    tokens, characters = np.arange(7), np.arange(7) * 4
    entropy = (3 / 6 * np.log(2) + 2 / 6 * np.log(3) + 1 / 6 * np.log(6)) / np.log(3)
    assert describe_draw(INCIDENCE, chosen, tokens, characters) == {
        "k_evenness": pytest.approx(entropy),
        "mean_response_characters": 10.0,
        "mean_response_tokens": 2.5,
        "response_tokens": 15,
        "rows": 6,
        "units_covered": 3,
    }


@pytest.mark.parametrize(("counts", "expected"), [([5, 5], 1.0), ([7], 1.0), ([4, 0], 0.0), ([2, 2, 0, 0], 0.5)])
def test_evenness_counts_units_that_no_row_carries(counts: list[int], expected: float) -> None:
    assert measure_evenness(np.array(counts)) == pytest.approx(expected)


CARRIED = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=4, unique=True), min_size=2, max_size=25).filter(any)


def drawn(carried: Incidence, names: pl.Series, ids: pl.Series, degree: int, seed: int) -> list[tuple[str, str]]:
    ones, rng = np.ones(len(ids), np.int64), np.random.default_rng(seed)
    size = max(1, int((np.diff(carried.row_start) > 0).sum()) // 2)
    draw = select(carried, ones, degree=degree, size=size, slack=1.0, weights="inverse", rng=rng).draw
    return list(zip(ids.gather(draw.rows), names.gather(draw.units), strict=True))


@given(CARRIED, st.integers(0, 6), st.integers(0, 99), st.randoms())
def test_a_subset_depends_on_the_seed_and_on_what_rows_carry_not_on_the_order_of_the_table(
    carried, degree, seed, random
) -> None:
    ids = pl.Series([f"{at:02}" for at in range(len(carried))])
    pairs = [(ids[at], unit) for at, units in enumerate(carried) for unit in units]
    inside = np.ones(len(ids), np.bool_)
    found = []
    for _ in range(2):
        table = pl.DataFrame(pairs, schema={"id": pl.String, "unit": pl.String}, orient="row")
        found.append(drawn(*build_incidence(table, ids, inside), ids, degree, seed))
        random.shuffle(pairs)
    assert found[0] == found[1]


@given(st.integers(0, 99), st.integers(100, 199))
def test_another_seed_gives_another_subset(one, other) -> None:
    """Two of 10 rows out of 60 are equal once in 75 billion."""
    table = pl.DataFrame({"id": [f"{at:02}" for at in range(60)], "unit": "a"})
    ones, known = np.ones(60, np.int64), build_incidence(table, table["id"], np.ones(60, np.bool_))[0]
    ask = {"degree": 6, "size": 10, "slack": 1.5, "weights": "uniform"}
    rows = [set(select(known, ones, rng=np.random.default_rng(seed), **ask).draw.rows) for seed in (one, other)]
    assert rows[0] != rows[1]


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 6))
def test_rows_that_are_all_equal_are_drawn_once_each_or_refused(rows, size, degree) -> None:
    table = pl.DataFrame({"id": [f"{at:02}" for at in range(rows)], "unit": "a"})
    known = build_incidence(table, table["id"], np.ones(rows, np.bool_))[0]
    ask = {"degree": degree, "size": size, "slack": 1.0, "weights": "inverse", "rng": np.random.default_rng(1)}
    if size > rows:
        with pytest.raises(ValueError, match=f"size must be at most what the pool holds, {rows}, got {size}"):
            select(known, np.ones(rows, np.int64), **ask)
    else:
        assert len(set(select(known, np.ones(rows, np.int64), **ask).draw.rows)) == size


def test_units_that_the_degree_leaves_out_do_not_make_a_subset_uneven() -> None:
    rng = np.random.default_rng(0)
    chosen = select(INCIDENCE, ONES, degree=0, size=4, slack=1, weights="uniform", rng=rng)
    told = describe_draw(INCIDENCE, chosen, ONES, ONES)
    assert (told["units_covered"], told["k_evenness"]) == (2, pytest.approx(1))
