"""IFD by hand, and its rows: the most difficult of those that their instruction helps."""

import numpy as np
import pytest

from m2m.selection.difficulty import choose_difficult_rows, rate_difficulty
from tests.selection.clouds import everything

RATED = np.array([0.2, 1.0, 0.9, np.nan, 0.5, 1.3, 0.9])


def test_the_difficulty_is_the_ratio_of_the_two_losses_and_none_without_a_loss() -> None:
    rated = rate_difficulty(np.array([1.0, 2.0, 0.0, np.nan]), np.array([4.0, 1.0, 0.0, np.nan]))
    assert rated[:2].tolist() == [0.25, 2.0]
    assert np.isnan(rated[2:]).all()


def test_rows_come_by_falling_difficulty_below_1() -> None:
    chosen = choose_difficult_rows(RATED, *everything(7), 4, np.random.default_rng(0))
    assert sorted(chosen[:2].tolist()) == [2, 6]
    assert chosen[2:].tolist() == [4, 0]


def test_ties_go_either_way() -> None:
    first = {choose_difficult_rows(RATED, *everything(7), 1, np.random.default_rng(seed)).item() for seed in range(20)}
    assert first == {2, 6}


def test_rows_outside_take_no_part_and_a_budget_that_cannot_be_met_is_refused() -> None:
    inside, costs = np.arange(7) != 2, np.full(7, 10)
    assert choose_difficult_rows(RATED, inside, costs, 30, np.random.default_rng(0)).tolist() == [6, 4, 0]
    with pytest.raises(
        ValueError, match=r"ifd chooses rows with a difficulty below 1, which hold 30 here, got size 31"
    ):
        choose_difficult_rows(RATED, inside, costs, 31, np.random.default_rng(0))
