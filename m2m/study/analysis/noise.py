"""Random replicates → the noise floor: where another random cell would be expected."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

OUTSIDE_BY_CHANCE = 0.05  # of a random cell to lie outside


class NoiseFloor(NamedTuple):
    """Mean and spread of the random replicates, and the 95 % interval of one further cell of their kind."""

    mean: float
    sd: float
    low: float
    high: float
    cells: int


def compute_noise_floor(random: Float[np.ndarray, "cells"]) -> NoiseFloor:
    """Student's prediction interval, mean ± t · sd · √(1 + 1/n): one cell in twenty lies outside by chance."""
    n = len(random)
    if n < 2:
        raise ValueError(f"a noise floor needs at least 2 random cells, got {n}: run random with more seeds")
    mean, sd = float(random.mean()), float(random.std(ddof=1))
    half = float(stats.t.ppf(1 - OUTSIDE_BY_CHANCE / 2, n - 1)) * sd * float(np.sqrt(1 + 1 / n))
    return NoiseFloor(mean, sd, mean - half, mean + half, n)


def flag_outside(floor: NoiseFloor, performance: Float[np.ndarray, "cells"]) -> Bool[np.ndarray, "cells"]:
    """Which cells lie outside the floor, above or below."""
    return np.asarray((performance < floor.low) | (performance > floor.high))
