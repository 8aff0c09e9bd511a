"""Every step of the chain is the rule, replayed here with sets."""

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.chains import prune
from m2m.selection.incidence import Incidence, group_pairs
from m2m.selection.prune import Chain, peel

Rows = list[set[int]]
"""the units of each row"""
ROWS = st.lists(st.sets(st.integers(0, 9), max_size=5), max_size=30)
MACRO = st.lists(st.sets(st.integers(0, 9), min_size=1, max_size=1), max_size=30)


def incidence_of(rows: Rows) -> Incidence:
    names = sorted(set().union(*rows))
    pairs = [(row, names.index(unit)) for row, units in enumerate(rows) for unit in sorted(units)]
    columns = np.array(pairs, np.int32).reshape(-1, 2)
    return group_pairs(columns[:, 0].copy(), columns[:, 1].copy(), len(rows), len(names))


def carried_by(incidence: Incidence) -> Rows:
    bounds = zip(incidence.row_start[:-1], incidence.row_start[1:], strict=True)
    return [set(incidence.row_units[a:b].tolist()) for a, b in bounds]


def ones(chain: Chain) -> np.ndarray:
    return np.ones(len(chain.row_end), np.int64)


@settings(deadline=None)
@given(ROWS | MACRO, st.lists(st.integers(0, 4), min_size=10, max_size=10))
def test_every_step_drops_a_unit_of_smallest_load_and_live_rows_and_what_hangs_on_it(
    rows: Rows, loads: list[int]
) -> None:
    incidence = incidence_of(rows)
    carried = carried_by(incidence)
    load = np.array(loads[: len(incidence.unit_start) - 1], np.int64)
    chain, dropped = peel(incidence, load)
    live_rows = {row for row, units in enumerate(carried) if units}
    live_units = set(range(len(load)))
    assert dropped.sum() == len(live_rows)
    for state in range(1, len(chain.units_left())):
        held = {unit: {row for row in live_rows if unit in carried[row]} for unit in live_units}
        smallest = min(load[unit] + len(held[unit]) for unit in live_units)
        gone_rows, gone_units = (set(np.flatnonzero(end == state).tolist()) for end in chain)
        assert gone_units == {unit for unit in live_units if held[unit] <= gone_rows}
        assert any(
            held[unit] == gone_rows and dropped[unit] == len(gone_rows) and load[unit] + len(gone_rows) == smallest
            for unit in gone_units
        )
        live_rows, live_units = live_rows - gone_rows, live_units - gone_units
    assert not live_rows
    assert not live_units


@settings(deadline=None)
@given(ROWS)
def test_no_choice_of_units_keeps_more_rows_than_its_share_of_the_drops(rows: Rows) -> None:
    """Weak duality, over all sets of units; the bench uses it to say how good the chain is."""
    incidence = incidence_of(rows)
    carried = [own for own in carried_by(incidence) if own]
    _, dropped = peel(incidence, np.zeros(len(incidence.unit_start) - 1, np.int64))
    for k in range(len(dropped) + 1):
        bound = np.sort(dropped)[::-1][:k].sum()
        for chosen in map(set, combinations(range(len(dropped)), k)):
            assert sum(own <= chosen for own in carried) <= bound


@settings(deadline=None)
@given(ROWS)
def test_candidates_of_a_state_are_the_rows_with_all_units_in_it(rows: Rows) -> None:
    incidence = incidence_of(rows)
    carried, chain = carried_by(incidence), prune(incidence)
    for state, k in enumerate(chain.units_left()):
        units = set(np.flatnonzero(chain.unit_end > state).tolist())
        assert len(units) == k
        assert chain.candidates(state).tolist() == [bool(own) and own <= units for own in carried]


@settings(deadline=None)
@given(ROWS)
def test_the_chain_starts_with_all_units_falls_at_every_step_and_ends_with_none(rows: Rows) -> None:
    incidence = incidence_of(rows)
    chain = prune(incidence)
    k, held = chain.units_left(), chain.rows_left(ones(chain))
    assert (k[0], k[-1], held[-1]) == (len(incidence.unit_start) - 1, 0, 0)
    assert held[0] == sum(map(bool, rows))
    assert (np.diff(k) < 0).all()
    assert (np.diff(held) < 0).all()


@settings(deadline=None)
@given(MACRO)
def test_with_one_unit_a_row_the_pool_of_k_units_is_the_k_largest(rows: Rows) -> None:
    chain = prune(incidence_of(rows))
    sizes = sorted((rows.count({unit}) for unit in set().union(*rows)), reverse=True)
    assert chain.units_left().tolist() == list(range(len(sizes), -1, -1))
    assert chain.rows_left(ones(chain)).tolist() == [sum(sizes[:k]) for k in range(len(sizes), -1, -1)]


def test_a_unit_whose_last_row_goes_with_another_unit_leaves_in_the_same_step() -> None:
    chain = prune(incidence_of([{0, 1}, {1, 2}, {1, 2}, {2}, {2}]))
    assert chain.units_left().tolist() == [3, 2, 1, 0]
    chain = prune(incidence_of([{0, 1}, {2}, {2}]))
    assert (chain.units_left().tolist(), chain.unit_end.tolist()) == ([3, 1, 0], [1, 1, 2])


def test_equal_rows_leave_together() -> None:
    chain = prune(incidence_of(5 * [{0, 1, 2}]))
    assert (chain.units_left().tolist(), chain.rows_left(ones(chain)).tolist()) == ([3, 0], [5, 0])


def test_the_pool_is_counted_in_the_costs_given() -> None:
    chain = prune(incidence_of([{0}, {0}, {1}, set()]))
    assert chain.rows_left(np.array([5, 7, 100, 1000])).tolist() == [1112 - 1000, 12, 0]


def test_the_second_round_keeps_the_unit_whose_rows_do_not_hang_on_rarer_ones() -> None:
    # unit 0 alone has three rows; each of the four rows of unit 1 needs a unit of its own as well
    rows = [{0}, {0}, {0}, {1, 2}, {1, 3}, {1, 4}, {1, 5}]
    chain = prune(incidence_of(rows))
    assert chain.unit_end.argmax() == 0
    assert chain.rows_left(ones(chain))[-2] == 3


def test_no_unit_is_a_chain_of_one_state() -> None:
    chain = prune(incidence_of([set(), set()]))
    assert (chain.units_left().tolist(), chain.candidates(0).tolist()) == ([0], [False, False])


def test_of_two_units_of_three_rows_and_one_of_two_the_one_that_stands_alone_is_kept_last() -> None:
    # one round drops unit 0, which has the fewest rows; but units 1 and 2 are worth nothing without each other
    chain = prune(incidence_of([{0}, {0}, {1, 2}, {1, 2}, {1, 2}]))
    assert (chain.units_left().tolist(), chain.unit_end.argmax()) == ([3, 1, 0], 0)


def test_units_that_tie_leave_in_the_canonical_order() -> None:
    chain = prune(incidence_of([{unit} for unit in range(500)] + [{unit} for unit in range(0, 500, 2)]))
    assert chain.unit_end.argsort().tolist() == [*range(1, 500, 2), *range(0, 500, 2)]
