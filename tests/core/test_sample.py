"""Every turn of a sample is the rule, replayed here by counting; the draws have the weights that they should."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.core.incidence import Incidence, group_pairs
from stages.core.prune import prune
from stages.core.sample import Draw, Weights, sample

Rows = list[set[int]]
"""the units of each row"""
ROWS = st.lists(st.sets(st.integers(0, 9), max_size=5), min_size=1, max_size=30).filter(any)
MACRO = st.lists(st.sets(st.integers(0, 5), min_size=1, max_size=1), min_size=1, max_size=40)
WEIGHTS = st.sampled_from(["uniform", "inverse"])


def incidence_of(rows: Rows) -> Incidence:
    names = sorted(set().union(*rows))
    pairs = [(row, names.index(unit)) for row, units in enumerate(rows) for unit in sorted(units)]
    columns = np.array(pairs, np.int32)
    return group_pairs(columns[:, 0].copy(), columns[:, 1].copy(), len(rows), len(names))


def carried_by(incidence: Incidence) -> Rows:
    bounds = zip(incidence.row_start[:-1], incidence.row_start[1:], strict=True)
    return [set(incidence.row_units[a:b].tolist()) for a, b in bounds]


def draw_rows(incidence: Incidence, candidates: np.ndarray, size: int, weights: Weights, seed: int) -> Draw:
    costs = np.ones(len(candidates), np.int64)
    return sample(incidence, candidates, costs, size, weights, np.random.default_rng(seed))


@st.composite
def cases(draw: st.DrawFn, rows: st.SearchStrategy[Rows]) -> tuple[Incidence, np.ndarray, int]:
    """An incidence, the candidates of one state of its chain, and a size that they hold."""
    incidence = incidence_of(draw(rows))
    chain = prune(incidence)
    candidates = chain.candidates(draw(st.integers(0, len(chain.units_left()) - 2)))
    return incidence, candidates, draw(st.integers(1, int(candidates.sum())))


@settings(deadline=None)
@given(cases(ROWS | MACRO), WEIGHTS, st.integers(0, 99))
def test_served_next_is_a_unit_that_fewest_chosen_rows_carry_and_that_has_a_free_candidate(
    case: tuple[Incidence, np.ndarray, int], weights: Weights, seed: int
) -> None:
    incidence, candidates, size = case
    carried, draw = carried_by(incidence), draw_rows(*case, weights, seed)
    free = set(np.flatnonzero(candidates).tolist())
    count = dict.fromkeys(set().union(*(carried[row] for row in free)), 0)
    assert len(draw.rows) == len(draw.units) == size
    for row, unit in zip(draw.rows.tolist(), draw.units.tolist(), strict=True):
        servable = set().union(*(carried[other] for other in free))
        assert row in free
        assert unit in carried[row]
        assert count[unit] == min(count[other] for other in servable)
        free.remove(row)
        count |= {other: count[other] + 1 for other in carried[row]}


@settings(deadline=None)
@given(cases(ROWS), WEIGHTS, st.integers(0, 99))
def test_all_k_units_are_covered_when_k_fits_the_budget(
    case: tuple[Incidence, np.ndarray, int], weights: Weights, seed: int
) -> None:
    incidence, candidates, size = case
    carried = carried_by(incidence)
    live = set().union(*(carried[row] for row in np.flatnonzero(candidates)))
    covered = set().union(*(carried[row] for row in draw_rows(*case, weights, seed).rows))
    assert covered <= live
    assert covered == live or size < len(live)


@settings(deadline=None)
@given(cases(MACRO), st.integers(0, 99))
def test_with_one_unit_a_row_counts_differ_by_at_most_one_until_a_unit_is_exhausted(
    case: tuple[Incidence, np.ndarray, int], seed: int
) -> None:
    incidence, candidates, _ = case
    unit = incidence.row_units
    held = np.bincount(unit[candidates])
    count = np.bincount(draw_rows(*case, "uniform", seed).units, minlength=len(held))
    assert ((count == held) | (count.max() - count <= 1)).all()


@settings(deadline=None)
@given(ROWS, WEIGHTS, st.integers(0, 99))
def test_a_size_of_all_candidates_returns_them_all(rows: Rows, weights: Weights, seed: int) -> None:
    candidates = np.array([bool(units) for units in rows])
    draw = draw_rows(incidence_of(rows), candidates, int(candidates.sum()), weights, seed)
    assert sorted(draw.rows) == np.flatnonzero(candidates).tolist()


@settings(deadline=None)
@given(cases(ROWS), st.data())
def test_with_other_costs_rows_are_added_until_the_budget_is_reached_and_no_further(
    case: tuple[Incidence, np.ndarray, int], data: st.DataObject
) -> None:
    incidence, candidates, _ = case
    costs = np.array(data.draw(st.lists(st.integers(1, 9), min_size=len(candidates), max_size=len(candidates))))
    size = data.draw(st.integers(1, int(costs[candidates].sum())))
    rows = sample(incidence, candidates, costs, size, "uniform", np.random.default_rng(0)).rows
    assert costs[rows[:-1]].sum() < size <= costs[rows].sum()


def test_one_seed_gives_one_sample_and_another_seed_another() -> None:
    incidence = incidence_of([{row % 7, 7 + row % 5} for row in range(200)])
    candidates = np.ones(200, np.bool_)
    one, same, other = (draw_rows(incidence, candidates, 50, "uniform", seed).rows for seed in (1, 1, 2))
    assert one.tolist() == same.tolist() != other.tolist()
    assert set(one) != set(other)


def test_candidates_are_left_as_they_were() -> None:
    candidates = np.ones(3, np.bool_)
    draw_rows(incidence_of([{0}, {0}, {1}]), candidates, 3, "uniform", 0)
    assert candidates.all()


@pytest.mark.parametrize(("weights", "expected"), [("uniform", 1 / 4), ("inverse", 3 / 6)])
def test_a_row_of_one_unit_is_drawn_with_its_weight_beside_three_rows_of_three(
    weights: Weights, expected: float
) -> None:
    incidence = incidence_of([{0}, {0, 1, 2}, {0, 1, 2}, {0, 1, 2}])
    served = [draw_rows(incidence, np.ones(4, np.bool_), 1, weights, seed) for seed in range(6000)]
    first = [draw.rows[0] == 0 for draw in served if draw.units[0] == 0]
    assert len(first) == pytest.approx(2000, abs=150)  # three units tie for the first turn
    assert np.mean(first) == pytest.approx(expected, abs=0.045)  # 4 standard errors


def test_later_draws_from_a_unit_are_uniform_over_what_is_free() -> None:
    incidence = incidence_of([{0}] * 5)
    orders = [draw_rows(incidence, np.ones(5, np.bool_), 2, "uniform", seed).rows for seed in range(4000)]
    count = np.zeros((5, 5))
    np.add.at(count, tuple(np.array(orders).T), 1)
    assert (count.diagonal() == 0).all()
    assert np.abs(count[~np.eye(5, dtype=bool)] / 4000 - 1 / 20).max() < 0.014  # 4 standard errors


def test_more_than_the_candidates_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="size must be at most what the candidate pool holds, 2, got 3"):
        draw_rows(incidence_of([{0}, {0}]), np.ones(2, np.bool_), 3, "uniform", 0)
