"""The greedy cover does what brute force does, and starts over when everything is covered."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection.incidence import Incidence, group_pairs
from m2m.selection.type_cover import choose_covering_rows

Rows = list[set[int]]
ROWS = st.lists(st.sets(st.integers(0, 8), max_size=5), min_size=1, max_size=14)


def make_incidence(rows: Rows) -> Incidence:
    columns = np.array([(row, unit) for row, units in enumerate(rows) for unit in units], np.int32).reshape(-1, 2)
    return group_pairs(columns[:, 0].copy(), columns[:, 1].copy(), len(rows), 9)


def choose(rows: Rows, lengths: list[int], size: int, seed: int = 0, inside: list[bool] | None = None) -> list[int]:
    mask = np.array(inside if inside is not None else [True] * len(rows))
    costs, rng = np.ones(len(rows), np.int64), np.random.default_rng(seed)
    return choose_covering_rows(make_incidence(rows), np.array(lengths), mask, costs, size, rng).tolist()


@settings(deadline=None)
@given(ROWS, st.data())
def test_every_row_is_one_that_brute_force_may_take(rows: Rows, data: st.DataObject) -> None:
    lengths = data.draw(st.lists(st.integers(1, 4), min_size=len(rows), max_size=len(rows)))
    chosen = choose(rows, lengths, data.draw(st.integers(1, len(rows))), data.draw(st.integers(0, 9)))
    free, covered = set(range(len(rows))), set[int]()
    for row in chosen:
        if not any(rows[other] - covered for other in free):
            covered = set()
        rates = {other: len(rows[other] - covered) / lengths[other] for other in free}
        assert rates[row] == max(rates.values())
        free.remove(row)
        covered |= rows[row]
    assert len(set(chosen)) == len(chosen)


def test_the_cover_starts_over_and_rows_without_a_unit_come_last() -> None:
    rows = [{0, 1}, {0}, {1}, set(), {0, 1}, set()]
    chosen = choose(rows, [2, 3, 4, 1, 4, 1], 6)
    assert chosen[0] == 0
    assert chosen[1] == 4  # half a unit a token, and the first cover is complete
    assert chosen[2:4] == [1, 2]
    assert set(chosen[4:]) == {3, 5}


def test_a_token_counts_as_much_as_a_type() -> None:
    assert choose([{0, 1, 2, 3}, {0, 1}], [9, 4], 1) == [1]
    assert choose([{0, 1, 2, 3}, {0, 1}], [7, 4], 1) == [0]


def test_rows_outside_are_never_chosen_and_the_budget_is_reached() -> None:
    rows: Rows = [{0}, {1}, {2}, {3}, set()]
    mask = [True, False, True, False, True]
    assert sorted(choose(rows, [1] * 5, 3, inside=mask)) == [0, 2, 4]
    costs = np.array([5, 5, 5, 5, 5])
    chosen = choose_covering_rows(
        make_incidence(rows), np.ones(5, np.int64), np.array(mask), costs, 6, np.random.default_rng(0)
    )
    assert len(chosen) == 2


def test_ties_depend_on_the_seed_alone() -> None:
    rows: Rows = [{row % 9} for row in range(90)]
    first, same, other = (choose(rows, [1] * 90, 9, seed) for seed in (1, 1, 2))
    assert first == same != other
    assert {row % 9 for row in first} == set(range(9))
