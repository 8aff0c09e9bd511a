"""Turns a degree of diversity into a state of the pruning chain, that is, a number of units."""

import numpy as np
from jaxtyping import Int64

DEGREES = range(7)


def find_degree_states(
    k: Int64[np.ndarray, "states"], held: Int64[np.ndarray, "states"], size: int, slack: float
) -> list[int]:
    """The state of each degree 0 … 6: k(d) = k_min + d/6 · (k_max − k_min), rounded to the nearest k of the chain.

    `k` and `held` are the units of each state and what its pool holds, in rows or in tokens like `size`, both falling.
    k_min is the fewest units whose pool holds slack · size, or all that there is where that is less; k_max is all
    units. Half-way between two k the larger one is taken. ValueError when the pool holds less than `size`.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1, got {size}")
    if not slack >= 1:
        raise ValueError(f"slack must be at least 1, got {slack}")
    if size > held[0]:
        raise ValueError(
            f"size must be at most what the pool holds, {held[0]}, got {size}: take less, or a larger pool"
        )
    need = min(slack * size, held[0])
    k_min, k_max = int(k[held >= need][-1]), int(k[0])
    sixths = [6 * k_min + degree * (k_max - k_min) for degree in DEGREES]
    return [int(np.abs(6 * k - target).argmin()) for target in sixths]


def get_degree_state(states: list[int], degree: int) -> int:
    """The state of one degree; ValueError when it is none of 0 … 6."""
    if degree not in DEGREES:
        raise ValueError(f"degree must be in 0..6, got {degree}")
    return states[degree]
