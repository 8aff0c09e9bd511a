"""Turns a chain of candidate pools into the seven degrees."""

import numpy as np
from jaxtyping import Int64

DEGREES = range(7)


def find_degree_states(
    k: Int64[np.ndarray, "states"], amounts: Int64[np.ndarray, "states"], size: int, slack: float
) -> list[int]:
    """The state of each degree 0 … 6: k(d) = k_min + d/6 · (k_max − k_min), rounded to the nearest k of the chain.

    `k` and `amounts` are each state's units and what its candidate pool holds, in rows or in tokens like `size`; both
    fall. k_min is the fewest units whose candidate pool holds slack · size, or the whole pool where that is less;
    k_max is all units. Half-way between two k the larger is taken. ValueError when the pool holds less than `size`.
    """
    require_budget(size, slack, int(amounts[0]))
    need = min(slack * size, amounts[0])
    return spread_degrees(k, int(k[amounts >= need][-1]))


def spread_degrees(k: Int64[np.ndarray, "states"], k_min: int) -> list[int]:
    """The state of each degree: k(d) = k_min + d/6 · (k_max − k_min), the larger of two that are as near."""
    sixths = [6 * k_min + degree * (int(k[0]) - k_min) for degree in DEGREES]
    return [int(np.abs(6 * k - target).argmin()) for target in sixths]


def require_budget(size: int, slack: float, amount: int) -> None:
    """ValueError unless a subset of `size` can be taken from a pool that holds `amount`, and slack is 1 or more."""
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
    if not slack >= 1:
        raise ValueError(f"slack must be at least 1, got {slack}")
    if size > amount:
        raise ValueError(
            f"size must be at most what the pool holds, {amount}, got {size}: take less, or a larger "
            "pool; rows that carry no unit of the strategy do not count"
        )


def get_degree_state(states: list[int], degree: int) -> int:
    """The state of one degree; ValueError for a degree outside 0 … 6."""
    if degree not in DEGREES:
        raise ValueError(f"degree must be in 0..6, got {degree}")
    return states[degree]


def group_equal_degrees(states: list[int]) -> list[list[int]]:
    """The groups of two and more degrees that share a state of the chain: under one seed they are one subset."""
    groups = [[degree for degree in DEGREES if states[degree] == state] for state in dict.fromkeys(states)]
    return [group for group in groups if len(group) > 1]


def find_separating_need(k: Int64[np.ndarray, "states"], amounts: Int64[np.ndarray, "states"]) -> int | None:
    """The largest slack · size at which the seven degrees are seven states; None where no size separates them.

    `k` and `amounts` as in `find_degree_states`.
    """
    for state in np.flatnonzero((k <= k[0] - DEGREES[-1]) & (amounts > 0)):
        if not group_equal_degrees(spread_degrees(k, int(k[state]))):
            return int(amounts[state])
    return None
