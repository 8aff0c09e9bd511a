"""The noise floor: one further random cell in twenty lies outside."""

import numpy as np
import pytest

from m2m.study.analysis.noise import compute_noise_floor, flag_outside


def test_the_floor_is_students_prediction_interval() -> None:
    floor = compute_noise_floor(np.array([0.0, 2.0]))
    assert (floor.mean, floor.sd) == pytest.approx((1, np.sqrt(2)))
    assert floor.high == pytest.approx(1 + 12.7062 * np.sqrt(2) * np.sqrt(1.5), rel=1e-5)


def test_cells_above_and_below_are_outside_and_the_ends_are_not() -> None:
    floor = compute_noise_floor(np.array([0.0, 1.0, 2.0]))
    assert flag_outside(floor, np.array([floor.low, 1, floor.high, floor.high + 1, floor.low - 1])).tolist() == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_equal_replicates_leave_no_room() -> None:
    assert flag_outside(compute_noise_floor(np.ones(3)), np.array([1.0, 1.1])).tolist() == [False, True]


@pytest.mark.parametrize("cells", [0, 1])
def test_one_random_cell_is_no_floor(cells: int) -> None:
    with pytest.raises(ValueError, match=f"at least 2 random cells, got {cells}"):
        compute_noise_floor(np.ones(cells))


def test_a_further_random_cell_is_outside_as_often_as_said() -> None:
    rng = np.random.default_rng(0)
    beyond = sum(flag_outside(compute_noise_floor(rng.normal(size=8)), rng.normal(size=1))[0] for _ in range(2000))
    assert 70 <= beyond <= 130
