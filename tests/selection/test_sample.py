"""Every turn of a sample is the rule, replayed here by counting; the draws have the weights that they should."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.chains import prune
from m2m.selection.incidence import Incidence, group_pairs
from m2m.selection.length_strata import Strata
from m2m.selection.prune import Chain
from m2m.selection.sample import Draw, Weights, sample
from tests.selection.clouds import select

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


Case = tuple[Incidence, Chain, int, int]
"""an incidence, its chain, a state of it, and a size that the state holds"""


def draw_rows(case: Case, weights: Weights, seed: int) -> Draw:
    incidence, chain, state, size = case
    costs = np.ones(len(chain.row_end), np.int64)
    return sample(incidence, chain, state, costs, size, weights, np.random.default_rng(seed))


def full_case(rows: Rows, size: int) -> Case:
    incidence = incidence_of(rows)
    return incidence, prune(incidence), 0, size


@st.composite
def cases(draw: st.DrawFn, rows: st.SearchStrategy[Rows]) -> Case:
    incidence, chain, *_ = full_case(draw(rows), 0)
    state = draw(st.integers(0, len(chain.units_left()) - 2))
    return incidence, chain, state, draw(st.integers(1, int(chain.candidates(state).sum())))


@settings(deadline=None)
@given(cases(ROWS | MACRO), WEIGHTS, st.integers(0, 99))
def test_served_next_is_a_unit_that_fewest_chosen_rows_carry_and_that_has_a_free_candidate(
    case: Case, weights: Weights, seed: int
) -> None:
    incidence, chain, state, size = case
    carried, draw = carried_by(incidence), draw_rows(case, weights, seed)
    free = set(np.flatnonzero(chain.candidates(state)).tolist())
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
def test_only_units_of_the_k_are_carried_and_all_of_them_when_k_fits_the_budget(
    case: Case, weights: Weights, seed: int
) -> None:
    incidence, chain, state, size = case
    carried = carried_by(incidence)
    live = set(np.flatnonzero(chain.unit_end > state).tolist())
    covered = set().union(*(carried[row] for row in draw_rows(case, weights, seed).rows))
    assert covered <= live
    assert covered == live or size < len(live)


@settings(deadline=None)
@given(cases(MACRO), st.integers(0, 99))
def test_with_one_unit_a_row_counts_differ_by_at_most_one_until_a_unit_is_exhausted(case: Case, seed: int) -> None:
    incidence, chain, state, _ = case
    held = np.bincount(incidence.row_units[chain.candidates(state)])
    count = np.bincount(draw_rows(case, "uniform", seed).units, minlength=len(held))
    assert ((count == held) | (count.max() - count <= 1)).all()


@settings(deadline=None)
@given(ROWS, WEIGHTS, st.integers(0, 99))
def test_a_size_of_all_candidates_returns_them_all(rows: Rows, weights: Weights, seed: int) -> None:
    every = [row for row, units in enumerate(rows) if units]
    assert sorted(draw_rows(full_case(rows, len(every)), weights, seed).rows) == every


@settings(deadline=None)
@given(cases(ROWS), WEIGHTS, st.data())
def test_with_other_costs_rows_are_added_until_the_budget_is_reached_and_no_further(
    case: Case, weights: Weights, data: st.DataObject
) -> None:
    incidence, chain, state, _ = case
    rows = len(chain.row_end)
    costs = np.array(data.draw(st.lists(st.integers(1, 9), min_size=rows, max_size=rows)))
    size = data.draw(st.integers(1, int(costs[chain.candidates(state)].sum())))
    chosen = sample(incidence, chain, state, costs, size, weights, np.random.default_rng(0)).rows
    assert costs[chosen[:-1]].sum() < size <= costs[chosen].sum()


def test_one_seed_gives_one_sample_and_another_seed_another() -> None:
    case = full_case([{row % 7, 7 + row % 5} for row in range(200)], 50)
    one, same, other = (draw_rows(case, "uniform", seed).rows for seed in (1, 1, 2))
    assert one.tolist() == same.tolist() != other.tolist()
    assert set(one) != set(other)


def test_the_incidence_is_left_as_it_was() -> None:
    case = full_case([{0}, {0, 1}, {1}, {0}], 4)
    before = [part.copy() for part in case[0]]
    draw_rows(case, "uniform", 0)
    assert all(map(np.array_equal, before, case[0]))


@pytest.mark.parametrize(("weights", "expected"), [("uniform", 1 / 4), ("inverse", 3 / 6)])
def test_a_row_of_one_unit_is_drawn_with_its_weight_beside_three_rows_of_three(
    weights: Weights, expected: float
) -> None:
    case = full_case([{0}, {0, 1, 2}, {0, 1, 2}, {0, 1, 2}], 1)
    served = [draw_rows(case, weights, seed) for seed in range(6000)]
    first = [draw.rows[0] == 0 for draw in served if draw.units[0] == 0]
    assert len(first) == pytest.approx(2000, abs=150)  # three units tie for the first turn
    assert np.mean(first) == pytest.approx(expected, abs=0.045)  # 4 standard errors


def test_later_draws_from_a_unit_are_uniform_over_what_is_free() -> None:
    case = full_case([{0}] * 5, 2)
    count = np.zeros((5, 5))
    np.add.at(count, tuple(np.array([draw_rows(case, "uniform", seed).rows for seed in range(4000)]).T), 1)
    assert (count.diagonal() == 0).all()
    assert np.abs(count[~np.eye(5, dtype=bool)] / 4000 - 1 / 20).max() < 0.014  # 4 standard errors


def test_more_than_the_candidates_hold_is_an_error() -> None:
    with pytest.raises(ValueError, match="size must be at most what the candidate pool holds, 2, got 3"):
        draw_rows(full_case([{0}, {0}], 3), "uniform", 0)


@pytest.mark.parametrize(
    ("weights", "size", "degree", "rows", "checksum"),
    [
        ("uniform", 60, 0, 60, 2394563975),
        ("uniform", 60, 6, 60, 3272091253),
        ("uniform", 300, 0, 43, 3790825651),
        ("uniform", 300, 6, 44, 4257060043),
        ("inverse", 60, 0, 60, 3390476766),
        ("inverse", 60, 6, 60, 115514993),
        ("inverse", 300, 0, 41, 552598535),
        ("inverse", 300, 6, 48, 2318928930),
    ],
)
@pytest.mark.parametrize("cut", [False, True], ids=["without strata", "one stratum"])
def test_one_stratum_draws_what_was_drawn_before_there_were_strata(
    weights: Weights, size: int, degree: int, rows: int, checksum: int, cut: bool
) -> None:
    pairs = sorted({(row, (row * (7 * unit + 3) + unit) % 53) for row in range(400) for unit in range(row % 5)})
    columns = np.array(pairs, np.int32)
    incidence = group_pairs(columns[:, 0].copy(), columns[:, 1].copy(), 400, 53)
    costs = np.ones(400, np.int64) if size == 60 else np.arange(400) % 13 + 1
    strata = Strata(np.zeros(400, np.int32), np.array([size]), 0) if cut else None
    rng = np.random.default_rng(7)
    draw = select(incidence, costs, degree=degree, size=size, slack=1.5, weights=weights, rng=rng, strata=strata).draw
    assert len(draw.rows) == rows
    assert zlib.crc32(draw.rows.tobytes() + draw.units.tobytes()) == checksum
