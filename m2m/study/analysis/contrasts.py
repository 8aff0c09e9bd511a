"""Replicated cells → their noise, and the interval that holds for several differences together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from m2m.study.cells.t_estimates import Estimate, is_rounding

Cells = Float[np.ndarray, "seeds"]


class Noise(NamedTuple):
    """The standard deviation of cells that differ by their seed alone, and its degrees of freedom."""

    sd: float
    df: int


def pool_noise(groups: Sequence[Cells]) -> Noise:
    """√(Σ squares about each group's own mean / Σ (seeds − 1)).

    ValueError when no group has two seeds, and when seeds change nothing: then every difference would be certain.
    """
    df = sum(len(group) - 1 for group in groups)
    if df < 1:
        raise ValueError("seed noise needs a configuration with two seeds, there is none: run more seeds")
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    sd = float(np.sqrt(squares / df))
    if is_rounding(sd, np.concatenate(groups)):
        raise ValueError("all replicates are equal, so there is no seed noise: run more seeds or prompts")
    return Noise(sd, df)


def bound_simultaneously(estimate: Estimate, comparisons: int) -> tuple[float, float]:
    """The interval that holds for all of `comparisons` differences together (Bonferroni), so for the best of them."""
    half = float(stats.t.ppf(1 - 0.025 / comparisons, estimate.df)) * estimate.se
    return estimate.value - half, estimate.value + half
