"""The core has few units, and their rows alone fill every stratum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.selection.grow import grow_core
from m2m.selection.incidence import Incidence, group_pairs

UNITS = 10
ROWS = st.lists(st.tuples(st.sets(st.integers(0, UNITS - 1), max_size=5), st.integers(0, 3), st.integers(1, 9)))


def incidence_of(carried: list[set[int]]) -> Incidence:
    pairs = [(row, unit) for row, units in enumerate(carried) for unit in sorted(units)]
    columns = np.array(pairs, np.int32).reshape(-1, 2)
    return group_pairs(columns[:, 0].copy(), columns[:, 1].copy(), len(carried), UNITS)


def grow(
    carried: list[set[int]], stratum: list[int], need: list[int], noise: float = 0.0, costs: list[int] | None = None
) -> set[int]:
    price = np.array(costs or len(carried) * [1])
    rng = np.random.default_rng(1)
    core = grow_core(incidence_of(carried), np.array(stratum, np.int32), price, np.array(need), noise, rng)
    return set(np.flatnonzero(core).tolist())


def test_the_rows_that_lack_the_fewest_units_get_them() -> None:
    """{0} is the cheapest; then {0, 1} lacks one unit, {2, 3} two."""
    assert grow([{2, 3}, {0, 1}, {0}, {4, 5, 6}], [0, 0, 0, 0], [2]) == {0, 1}


def test_the_last_stratum_is_served_first_and_its_units_serve_the_others() -> None:
    """Row 0 is the long one; of the short ones only row 1 has its units, row 2 would be as cheap."""
    assert grow([{0, 1, 2}, {1, 2}, {3, 4}], [1, 0, 0], [1, 1]) == {0, 1, 2}


def test_need_is_in_costs() -> None:
    assert grow([{0}, {1, 2}], [0, 0], [5], costs=[5, 9]) == {0}
    assert grow([{0}, {1, 2}], [0, 0], [6], costs=[5, 9]) == {0, 1, 2}


def test_nothing_needed_needs_no_unit() -> None:
    assert grow([{0}, set()], [0, 0], [0]) == set()
    assert grow([], [], [0]) == set()


def test_with_noise_a_row_that_lacks_a_few_more_units_may_come_first() -> None:
    """Four units and five differ by 25 %; six are never chosen, since one row is enough."""
    carried = [{0, 1, 2, 3}, {4, 5, 6, 7, 8}, {3, 4, 5, 6, 7, 9}]
    incidence, price = incidence_of(carried), np.ones(3, np.int64)
    sizes = [
        int(grow_core(incidence, np.zeros(3, np.int32), price, np.array([1]), 0.25, np.random.default_rng(seed)).sum())
        for seed in range(20)
    ]
    assert set(sizes) == {4, 5}


@pytest.mark.parametrize("noise", [0.0, 0.25, 1.0])
@given(ROWS, st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_rows_of_the_core_fill_every_stratum(
    noise: float, rows: list[tuple[set[int], int, int]], shares: list[float]
) -> None:
    carried, stratum = [row[0] for row in rows], [row[1] for row in rows]
    costs = [row[2] for row in rows]
    held = [sum(cost for units, place, cost in rows if units and place == number) for number in range(4)]
    need = [int(share * amount) for share, amount in zip(shares, held, strict=True)]
    core = grow(carried, stratum, need, noise, costs)
    reached = [
        sum(cost for units, place, cost in rows if units and units <= core and place == number) for number in range(4)
    ]
    assert all(amount >= least for amount, least in zip(reached, need, strict=True))
    assert core <= set().union(*carried)
