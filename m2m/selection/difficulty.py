"""Turns the costs of a response with and without its instruction into a subset of difficult rows: IFD."""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from m2m.selection.highest import choose_highest_rows


def rate_difficulty(
    conditioned: Float64[np.ndarray, "rows"], unconditioned: Float64[np.ndarray, "rows"]
) -> Float64[np.ndarray, "rows"]:
    """Instruction-following difficulty: bits a response token after its instruction, over those without it.

    Li et al. 2024, "From Quantity to Quality" (arXiv 2308.12032), the ratio of the two losses. Near 0 the instruction
    says all, from 1 on it says nothing. NaN where a response has no bits.

    >>> rate_difficulty(np.array([1.0, 3.0, np.nan]), np.array([2.0, 2.0, np.nan])).tolist()
    [0.5, 1.5, nan]
    """
    ratio = np.full(len(conditioned), np.nan)
    return np.asarray(np.divide(conditioned, unconditioned, out=ratio, where=unconditioned > 0))


def choose_difficult_rows(
    difficulty: Float64[np.ndarray, "rows"],
    inside: Bool[np.ndarray, "rows"],
    costs: Int64[np.ndarray, "rows"],
    size: int,
    rng: np.random.Generator,
) -> Int64[np.ndarray, "chosen"]:
    """Rows `inside` by falling `difficulty` below 1 until their summed `costs` reach `size`; ties at random.

    As in the paper, rows from 1 on are no candidates: their instruction does not help. ValueError where the others hold
    less than `size`.
    """
    usable = inside & (difficulty < 1)
    if costs[usable].sum() < size:
        raise ValueError(
            f"ifd chooses rows with a difficulty below 1, which hold {costs[usable].sum()} here, got size {size}: "
            "take a smaller subset.size, or another strategy"
        )
    return choose_highest_rows(difficulty, usable, costs, size, rng)
