"""The highest rows: in order, inside the window, ties at random."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.selection.highest import choose_highest_rows


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1), st.integers(0, 99), st.data())
def test_no_row_left_out_is_longer_than_one_chosen(
    rows: list[tuple[int, bool]], seed: int, data: st.DataObject
) -> None:
    lengths, inside = (np.array(column) for column in zip(*rows, strict=True))
    inside[0] = True
    size = data.draw(st.integers(1, int(inside.sum())))
    costs = np.ones_like(lengths)
    chosen = choose_highest_rows(lengths, inside, costs, size, np.random.default_rng(seed))
    left = np.setdiff1d(np.flatnonzero(inside), chosen)
    assert len(set(chosen.tolist())) == size
    assert inside[chosen].all()
    assert (np.diff(lengths[chosen]) <= 0).all()
    assert lengths[left].max(initial=-1) <= lengths[chosen[-1]]


def test_the_token_budget_is_met_by_less_than_a_row() -> None:
    lengths = np.arange(50)
    chosen = choose_highest_rows(lengths, lengths < 40, lengths + 1, 100, np.random.default_rng(0))
    assert chosen.tolist() == [39, 38, 37]


def test_ties_go_either_way_and_a_seed_repeats() -> None:
    lengths = np.array([5, 7, 7, 7])
    inside, costs = np.ones(4, np.bool_), np.ones(4, np.int64)
    seen = [
        choose_highest_rows(lengths, inside, costs, 1, np.random.default_rng(seed)).item() for seed in [*range(60), 0]
    ]
    assert set(seen) == {1, 2, 3}
    assert seen[0] == seen[-1]


@pytest.mark.parametrize("size", [1, 2])
def test_all_rows_can_be_chosen(size: int) -> None:
    every = np.ones(size, np.int64)
    chosen = choose_highest_rows(every, every > 0, every, size, np.random.default_rng(0))
    assert sorted(chosen) == list(range(size))
