"""Seven degrees from the fewest units that hold the budget to all of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.selection.degree import find_degree_states, get_degree_state

STEPS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 50)), min_size=1, max_size=40)


def chain(steps: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    falls = np.array(steps)
    return tuple(np.append(falls[:, i][::-1].cumsum()[::-1], 0) for i in (0, 1))


@given(STEPS, st.floats(1, 3), st.data())
def test_k_rises_with_the_degree_from_the_fewest_that_hold_the_budget_to_all(steps, slack, data) -> None:
    k, held = chain(steps)
    size = data.draw(st.integers(1, int(held[0])))
    states = find_degree_states(k, held, size, slack)
    chosen = k[states]
    need = min(slack * size, held[0])
    assert (chosen[0], chosen[6]) == (min(k[held >= need]), k[0])
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
