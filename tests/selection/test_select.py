"""The seven degrees, and the numbers that describe a subset, on toys whose numbers are known."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.selection.degrees import find_degree_states, find_separating_need, get_degree_state, group_equal_degrees
from m2m.selection.incidence import Incidence, build_incidence, group_pairs
from m2m.selection.select import describe_chain, describe_draw, measure_evenness
from tests.selection.clouds import select

# three rows of unit 0, two of unit 1, one of unit 2, and a row without a unit
INCIDENCE = group_pairs(np.array([0, 1, 2, 3, 4, 5], np.int32), np.array([0, 0, 0, 1, 1, 2], np.int32), 7, 3)
ONES = np.ones(7, np.int64)


def test_the_numbers_of_the_chain() -> None:
    rng = np.random.default_rng(0)
    chosen = select(INCIDENCE, ONES, degree=3, size=2, slack=1.5, weights="uniform", rng=rng)
    assert describe_chain(chosen) == {
        "candidate_rows": 5,
        "k": 2,
        "k_by_degree": [1, 1, 2, 2, 2, 3, 3],
        "k_max": 3,
        "k_min": 1,
    }


def test_the_numbers_of_the_draw() -> None:
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


def test_equal_counts_are_even_and_no_more() -> None:
    assert max(measure_evenness(np.full(units, 3)) for units in range(2, 200)) == 1


CARRIED = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=4, unique=True), min_size=2, max_size=25).filter(any)


def drawn(carried: Incidence, names: pl.Series, ids: pl.Series, degree: int, seed: int) -> list[tuple[str, str]]:
    ones, rng = np.ones(len(ids), np.int64), np.random.default_rng(seed)
    size = max(1, int((np.diff(carried.row_start) > 0).sum()) // 2)
    draw = select(carried, ones, degree=degree, size=size, slack=1.0, weights="inverse", rng=rng).draw
    return list(zip(ids.gather(draw.rows), names.gather(draw.units), strict=True))


@given(CARRIED, st.integers(0, 6), st.integers(0, 99), st.randoms())
def test_a_subset_depends_on_the_seed_and_on_what_rows_carry_not_on_the_order_of_the_table(
    carried: Any, degree: Any, seed: Any, random: Any
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
def test_another_seed_gives_another_subset(one: Any, other: Any) -> None:
    """Two of 10 rows out of 60 are equal once in 75 billion."""
    table = pl.DataFrame({"id": [f"{at:02}" for at in range(60)], "unit": "a"})
    ones, known = np.ones(60, np.int64), build_incidence(table, table["id"], np.ones(60, np.bool_))[0]
    ask: dict[str, Any] = {"degree": 6, "size": 10, "slack": 1.5, "weights": "uniform"}
    rows = [set(select(known, ones, rng=np.random.default_rng(seed), **ask).draw.rows) for seed in (one, other)]
    assert rows[0] != rows[1]


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 6))
def test_rows_that_are_all_equal_are_drawn_once_each_or_refused(rows: Any, size: Any, degree: Any) -> None:
    table = pl.DataFrame({"id": [f"{at:02}" for at in range(rows)], "unit": "a"})
    known = build_incidence(table, table["id"], np.ones(rows, np.bool_))[0]
    ask: dict[str, Any] = {
        "degree": degree,
        "size": size,
        "slack": 1.0,
        "weights": "inverse",
        "rng": np.random.default_rng(1),
    }
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


STEPS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 50)), min_size=1, max_size=40)


def chain(steps: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    falls = np.array(steps)
    return tuple(np.append(falls[:, i][::-1].cumsum()[::-1], 0) for i in (0, 1))  # type: ignore[return-value]


@given(STEPS, st.floats(1, 3), st.data())
def test_k_rises_with_the_degree_from_the_fewest_that_hold_the_budget_to_all(steps: Any, slack: Any, data: Any) -> None:
    k, amounts = chain(steps)
    size = data.draw(st.integers(1, int(amounts[0])))
    states = find_degree_states(k, amounts, size, slack)
    chosen = k[states]
    need = min(slack * size, amounts[0])
    assert (chosen[0], chosen[6]) == (min(k[amounts >= need]), k[0])
    assert (np.diff(chosen) >= 0).all()
    for degree, got in enumerate(chosen):
        target = chosen[0] + degree / 6 * (k[0] - chosen[0])
        assert math.isclose(abs(got - target), np.abs(k - target).min(), abs_tol=1e-9)


def test_seven_degrees_are_evenly_spaced_where_the_chain_reaches_every_k() -> None:
    k = np.arange(60, -1, -1)
    states = find_degree_states(k, 10 * k, 60, 2)
    assert k[states].tolist() == [12, 20, 28, 36, 44, 52, 60]


def test_half_way_between_two_k_the_larger_is_taken() -> None:
    assert find_degree_states(np.array([12, 8, 4, 0]), np.array([30, 20, 10, 0]), 10, 1)[3] == 1
    assert find_degree_states(np.array([12, 10, 6, 4, 0]), np.array([30, 20, 11, 10, 0]), 10, 1)[3] == 1


def test_a_pool_smaller_than_slack_times_size_keeps_all_units_at_every_degree() -> None:
    assert find_degree_states(np.array([3, 2, 0]), np.array([12, 9, 0]), 9, 1.5) == 7 * [0]


@pytest.mark.parametrize(
    ("size", "slack", "message"),
    [
        (0, 1.5, "size must be at least 1, got 0"),
        (13, 1.0, "size must be at most what the pool holds, 12, got 13"),
        (1, 0.9, r"slack must be at least 1, got 0\.9"),
        (1, math.nan, "slack must be at least 1, got nan"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_the_rule(size: int, slack: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_degree_states(np.array([3, 2, 0]), np.array([12, 9, 0]), size, slack)


@pytest.mark.parametrize("degree", [-1, 7, 9])
def test_a_degree_outside_the_seven_is_an_error(degree: int) -> None:
    with pytest.raises(ValueError, match=rf"degree must be in 0\.\.6, got {degree}"):
        get_degree_state(list(range(7)), degree)


def test_degrees_of_one_state_are_grouped() -> None:
    assert group_equal_degrees([4, 4, 3, 2, 1, 1, 0]) == [[0, 1], [4, 5]]
    assert group_equal_degrees([6, 5, 4, 3, 2, 1, 0]) == []
    assert group_equal_degrees(7 * [0]) == [[0, 1, 2, 3, 4, 5, 6]]


@given(STEPS)
def test_the_separating_need_is_the_largest_that_gives_seven_states(steps: Any) -> None:
    k, amounts = chain(steps)
    need = find_separating_need(k, amounts)
    largest = [
        size
        for size in range(1, int(amounts[0]) + 1)
        if not group_equal_degrees(find_degree_states(k, amounts, size, 1))
    ]
    assert need == (max(largest) if largest else None)
