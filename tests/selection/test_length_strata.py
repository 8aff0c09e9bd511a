"""Pruned and sampled inside strata of length, a subset keeps its guarantees and has the pool's lengths."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection.degrees import DEGREES
from m2m.selection.incidence import Incidence, group_pairs
from m2m.selection.length_strata import STRATA, Strata, assign_strata, prune_strata
from m2m.selection.sample import Weights
from m2m.selection.select import Selection, build_dial, describe_chain, explain_equal_degrees
from tests.selection.clouds import select

UNITS = 12


class Case(NamedTuple):
    """A pool, and what is asked of it."""

    carried: list[set[int]]
    """the units of each row"""
    lengths: np.ndarray
    costs: np.ndarray
    inside: np.ndarray
    size: int
    slack: float
    weights: Weights
    seed: int
    noise: float = 0.0


@st.composite
def cases(draw: st.DrawFn, by_tokens: bool | None = None, *, all_carry: bool = False) -> Case:
    carry = st.sets(st.integers(0, UNITS - 1), min_size=int(all_carry), max_size=5)
    carried = draw(st.lists(carry, min_size=1, max_size=60).filter(any))
    rows = len(carried)
    longest = draw(st.sampled_from([1, 3, 50]))
    lengths = np.array(draw(st.lists(st.integers(0, longest), min_size=rows, max_size=rows)))
    inside = np.ones(rows, np.bool_)
    if not all_carry:
        inside = np.array(draw(st.lists(st.integers(0, 9), min_size=rows, max_size=rows))) > 0
        inside[next(row for row in range(rows) if carried[row])] = True
    costs = lengths + 1 if (draw(st.booleans()) if by_tokens is None else by_tokens) else np.ones(rows, np.int64)
    usable = inside & np.array([bool(units) for units in carried])
    size = draw(st.integers(1, int(costs[usable].sum())))
    weights: Weights = draw(st.sampled_from(["uniform", "inverse"]))
    return Case(
        carried,
        lengths,
        costs,
        inside,
        size,
        draw(st.sampled_from([1.0, 1.5, 3.0])),
        weights,
        draw(st.integers(0, 9)),
        draw(st.sampled_from([0.0, 0.25, 1.0])),
    )


def build(case: Case) -> tuple[Incidence, Strata]:
    pairs = [(row, unit) for row, units in enumerate(case.carried) if case.inside[row] for unit in sorted(units)]
    columns = np.array(pairs, np.int32)
    _, units = np.unique(columns[:, 1], return_inverse=True)
    incidence = group_pairs(columns[:, 0].copy(), units.astype(np.int32), len(case.carried), int(units.max()) + 1)
    carrying = np.diff(incidence.row_start) > 0
    return incidence, assign_strata(case.lengths, case.costs, case.inside, carrying, case.size)


def dial(case: Case, degree: int) -> tuple[Incidence, Strata, Selection]:
    incidence, strata = build(case)
    rng = np.random.default_rng(case.seed)
    selection = select(
        incidence,
        case.costs,
        degree=degree,
        size=case.size,
        slack=case.slack,
        weights=case.weights,
        rng=rng,
        strata=strata,
        noise=case.noise,
        seed=case.seed,
    )
    return incidence, strata, selection


def spent_by(case: Case, strata: Strata, rows: np.ndarray) -> np.ndarray:
    return np.bincount(strata.stratum[rows], case.costs[rows], len(strata.quota))


@settings(deadline=None)
@given(cases(), st.sampled_from(DEGREES))
def test_rows_are_distinct_candidates_and_reach_the_budget_by_less_than_a_row(case: Case, degree: int) -> None:
    incidence, _, selection = dial(case, degree)
    rows = selection.draw.rows
    assert len(set(rows.tolist())) == len(rows)
    assert selection.chain.candidates(selection.state)[rows].all()
    assert case.inside[rows].all()
    assert case.costs[rows[:-1]].sum() < case.size <= case.costs[rows].sum()
    live = set(np.flatnonzero(selection.chain.unit_end > selection.state).tolist())
    for row, unit in zip(rows.tolist(), selection.draw.units.tolist(), strict=True):
        carried = set(incidence.row_units[incidence.row_start[row] : incidence.row_start[row + 1]].tolist())
        assert unit in carried <= live


@settings(deadline=None)
@given(cases(by_tokens=False), st.sampled_from(DEGREES))
def test_each_stratum_has_its_quota_of_rows_at_every_degree(case: Case, degree: int) -> None:
    _, strata, selection = dial(case, degree)
    assert strata.quota.sum() == case.size
    assert spent_by(case, strata, selection.draw.rows).tolist() == strata.quota.tolist()


@settings(deadline=None)
@given(cases(by_tokens=True), st.sampled_from(DEGREES))
def test_each_stratum_has_its_quota_of_tokens_but_for_less_than_a_row(case: Case, degree: int) -> None:
    _, strata, selection = dial(case, degree)
    assert strata.quota.sum() == case.size
    difference = spent_by(case, strata, selection.draw.rows) - strata.quota
    assert np.abs(difference).max() < case.costs[selection.draw.rows].max()


@settings(deadline=None)
@given(cases())
def test_degrees_are_nested_and_each_stratum_keeps_slack_times_its_quota(case: Case) -> None:
    incidence, strata = build(case)
    chain, states, _ = build_dial(incidence, case.costs, case.size, case.slack, strata, case.noise, case.seed)
    room = spent_by(case, strata, np.flatnonzero(np.diff(incidence.row_start)))
    before = np.zeros(len(case.carried), np.bool_), np.zeros(len(chain.unit_end), np.bool_)
    for state in states:
        candidates, live = chain.candidates(state), chain.unit_end > state
        assert (before[0] <= candidates).all()
        assert (before[1] <= live).all()
        assert incidence.counts(candidates)[live].min() > 0
        held = spent_by(case, strata, np.flatnonzero(candidates))
        assert (held >= np.minimum(case.slack * strata.quota, room)).all()
        before = candidates, live
    open_rows = (np.diff(incidence.row_start) > 0) & (strata.quota[strata.stratum] > 0)
    assert (before[0] == open_rows).all()


@settings(deadline=None)
@given(cases())
def test_units_are_dropped_one_by_one_until_no_stratum_can_spare_one(case: Case) -> None:
    incidence, strata = build(case)
    chain = prune_strata(incidence, strata, case.costs, case.slack, case.noise, np.random.default_rng(case.seed))
    takes_part = strata.quota[strata.stratum] > 0
    room = spent_by(case, strata, np.flatnonzero((np.diff(incidence.row_start) > 0) & takes_part))
    floor = np.minimum(case.slack * strata.quota, room)
    last = len(chain.units_left()) - 2
    for state in range(last + 1):
        candidates, live = chain.candidates(state), chain.unit_end > state
        assert (spent_by(case, strata, np.flatnonzero(candidates)) >= floor).all()
        for row in np.flatnonzero(takes_part):
            carried = incidence.row_units[incidence.row_start[row] : incidence.row_start[row + 1]]
            assert candidates[row] == (len(carried) > 0 and live[carried].all())
    candidates = chain.candidates(last)
    for unit in np.flatnonzero(chain.unit_end > last):
        without = candidates.copy()
        without[incidence.unit_rows[incidence.unit_start[unit] : incidence.unit_start[unit + 1]]] = False
        assert (spent_by(case, strata, np.flatnonzero(without)) < floor).any()
    assert chain.units_left()[-1] == 0


@settings(deadline=None)
@given(cases(by_tokens=False), st.sampled_from(DEGREES))
def test_a_live_unit_is_covered_when_the_live_units_of_one_of_its_strata_fit_that_quota(
    case: Case, degree: int
) -> None:
    incidence, strata, selection = dial(case, degree)
    candidates = selection.chain.candidates(selection.state)
    chosen = np.zeros(len(case.carried), np.bool_)
    chosen[selection.draw.rows] = True
    covered = incidence.counts(chosen) > 0
    for number in np.flatnonzero(strata.quota):
        live = incidence.counts(candidates & (strata.stratum == number)) > 0
        if live.sum() <= strata.quota[number]:
            assert covered[live].all()


@settings(deadline=None)
@given(cases(by_tokens=False, all_carry=True), st.sampled_from(DEGREES))
def test_the_mean_length_is_the_pools_within_the_width_of_the_strata(case: Case, degree: int) -> None:
    """Rounding moves half a row at most from one stratum to the next."""
    _, strata, selection = dial(case, degree)
    share = np.bincount(strata.stratum) / len(case.lengths)
    members = [case.lengths[strata.stratum == number] for number in range(len(share))]
    width = sum(part * np.ptp(lengths) for part, lengths in zip(share, members, strict=True) if len(lengths))
    rounding = 2 * np.ptp(case.lengths) / case.size
    difference = case.lengths[selection.draw.rows].mean() - case.lengths.mean()
    assert abs(difference) <= width + rounding + 1e-9


@settings(deadline=None)
@given(cases())
def test_strata_are_of_like_length_and_rows_of_equal_length_share_one(case: Case) -> None:
    _, strata = build(case)
    order = np.argsort(case.lengths, kind="stable")
    assert (np.diff(strata.stratum[order]) >= 0).all()
    assert len(set(zip(case.lengths.tolist(), strata.stratum.tolist(), strict=True))) == len(set(case.lengths.tolist()))
    assert len(strata.quota) <= STRATA


@settings(deadline=None)
@given(cases(), st.sampled_from(DEGREES))
def test_one_seed_is_one_subset(case: Case, degree: int) -> None:
    first, second = (dial(case, degree)[2].draw for _ in range(2))
    assert first.rows.tolist() == second.rows.tolist()
    assert first.units.tolist() == second.units.tolist()


@settings(deadline=None)
@given(cases(all_carry=True))
def test_a_size_of_the_whole_pool_returns_it_at_every_degree(case: Case) -> None:
    whole = case._replace(size=int(case.costs.sum()))
    selections = [dial(whole, degree)[2] for degree in DEGREES]
    assert all(sorted(selection.draw.rows.tolist()) == list(range(len(case.carried))) for selection in selections)
    assert {selection.state for selection in selections} == {0}


def make_case(carried: list[set[int]], lengths: list[int], size: int) -> Case:
    ones = np.ones(len(carried), np.int64)
    return Case(carried, np.array(lengths), ones, ones > 0, size, 1.5, "uniform", 1)


def test_with_one_length_the_dial_is_the_free_one_until_a_unit_would_cost_too_much() -> None:
    """The free chain ends there; this one tries the units that are left, of which one is cheap enough."""
    case = make_case([{row % 9, 9 + row % 4} for row in range(80)], [7] * 80, 20)
    incidence, strata = build(case)
    chain = build_dial(incidence, case.costs, 20, 1.5, strata).chain
    free = build_dial(incidence, case.costs, 20, 1.5).chain
    assert strata.quota.tolist() == [20]
    held, free_held = chain.rows_left(case.costs), free.rows_left(case.costs)
    same = int((free_held >= 30).sum())
    assert held[:same].tolist() == free_held[:same].tolist()
    assert chain.units_left()[:same].tolist() == free.units_left()[:same].tolist()
    assert held[-2] >= 30


def test_strata_share_their_units() -> None:
    """Long rows carry 0 and 1, or 2 and 3; short rows one of the four: at degree 0 both keep the same pair."""
    carried = [{0, 1}] * 12 + [{2, 3}] * 8 + [{row % 4} for row in range(40)]
    case = make_case(carried, [50] * 20 + [5] * 40, 15)
    incidence, strata = build(case)
    assert strata.quota.tolist() == [10, 5]
    dial_of = build_dial(incidence, case.costs, 15, 1.5, strata)
    kept = dial_of.chain.unit_end > dial_of.states[0]
    assert kept.tolist() == [True, True, False, False]
    assert dial_of.chain.candidates(dial_of.states[0]).sum() == 12 + 20


def test_a_stratum_without_a_carrying_row_leaves_its_share_to_the_others() -> None:
    carried = [set() if row < 25 else {row % 10} for row in range(100)]
    _, strata, selection = dial(make_case(carried, list(range(100)), 40), 3)
    assert strata.quota[0] == 0
    assert strata.shortfall == pytest.approx(7.2)  # the first stratum has 18 of the 100 rows
    assert len(selection.draw.rows) == 40


def test_nothing_is_short_where_every_stratum_holds_its_share() -> None:
    _, strata, _ = dial(make_case([{row % 10} for row in range(100)], list(range(100)), 50), 3)
    assert strata.shortfall == 0


def test_a_tiny_subset_has_few_strata_and_its_rows_are_not_the_shortest() -> None:
    case = make_case([{row % 10} for row in range(100)], list(range(100)), 8)
    _, strata, _ = dial(case, 0)
    assert strata.quota.tolist() == [5, 3]  # x + x² = 1 at .62
    _, strata, _ = dial(case._replace(size=1), 0)
    assert strata.quota.tolist() == [1]


def test_degrees_that_keep_the_same_units_are_one_state_and_are_explained() -> None:
    case = make_case([{0} for _ in range(40)], list(range(40)), 20)
    _, _, selection = dial(case, 3)
    assert selection.states == 7 * [0]
    assert describe_chain(selection)["k_by_degree"] == 7 * [1]
    explained = explain_equal_degrees(selection, case.costs, 20, 1.5, "rows")
    assert explained.startswith(
        "degrees 0, 1, 2, 3, 4, 5, 6 are one subset: slack 1.5 · size 20 rows in 5 strata of length leave 1 to 1 units"
    )


def make_rare_case() -> Case:
    """600 rows of 1 to 59 types, common ones and rare."""
    rng = np.random.default_rng(3)
    lengths = rng.integers(1, 60, 600)
    rare = 200
    carried = [set(np.minimum(rng.geometric(0.02, length), rare).tolist()) for length in lengths]
    return make_case(carried, lengths.tolist(), 100)


def test_the_free_dial_moves_length_and_strata_hold_it() -> None:
    """Long rows carry rare units, so the free dial at degree 0 keeps short rows."""
    case = make_rare_case()
    lengths = case.lengths
    means = []
    for degree in (0, 6):
        incidence, _, selection = dial(case, degree)
        free = select(
            incidence, case.costs, degree=degree, size=100, slack=1.5, weights="uniform", rng=np.random.default_rng(1)
        )
        means.append((lengths[free.draw.rows].mean(), lengths[selection.draw.rows].mean()))
    (free_low, low), (free_high, high) = means
    assert free_high - free_low > 10
    assert abs(low - lengths.mean()) < 3
    assert abs(high - lengths.mean()) < 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda case: case._replace(size=0), "size must be at least 1, got 0"),
        (lambda case: case._replace(size=11), "size must be at most what the pool holds, 10, got 11"),
        (lambda case: case._replace(slack=0.5), "slack must be at least 1, got 0.5"),
        (lambda case: case._replace(noise=1.5), "peel_noise must be in 0..1, got 1.5"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_the_rule(change: Callable[[Case], Case], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dial(change(make_case([{0}] * 10, list(range(10)), 5)), 3)


def test_units_that_a_long_row_shares_with_others_stay_although_few_rows_carry_them() -> None:
    """12 long rows have the units 0 … 6, which no short row has, 20 others eight of 100 that short rows have too.

    Peeling drops the rare seven first, and then needs most of the hundred for the long rows.
    """
    rng = np.random.default_rng(1)
    long = [set(range(7))] * 12 + [set((7 + rng.choice(100, 8, replace=False)).tolist()) for _ in range(20)]
    case = make_case([*long, *({7 + row % 100} for row in range(1500))], [50] * 32 + [1] * 1500, 200)
    incidence, strata = build(case)
    assert strata.quota.tolist() == [196, 4]
    chain = build_dial(incidence, case.costs, case.size, case.slack, strata).chain
    rows_of_units = np.diff(incidence.unit_start)
    assert (chain.unit_end > len(chain.units_left()) - 2)[:7].all()
    assert chain.units_left()[-2] == 7 + np.ceil(1.5 * 196 / 15)
    assert rows_of_units[:7].max() < rows_of_units[7:].min()


def test_with_noise_seeds_keep_other_units_at_degree_0_and_the_same_at_degree_6() -> None:
    def draw_two(noise: float, degree: int) -> list[set[int]]:
        case = make_rare_case()._replace(noise=noise)
        return [set(dial(case._replace(seed=seed), degree)[2].draw.rows.tolist()) for seed in (1, 2)]

    shared = [len(set.intersection(*draw_two(noise, 0))) for noise in (0.0, 0.25)]
    assert shared[1] < 0.8 * shared[0]
    assert draw_two(0.0, 6) == draw_two(0.25, 6)
