"""Replicated cells → differences of their means, judged by the noise of all of them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from m2m.study.analysis.correlation_contrasts import Difference
from m2m.study.cells.t_estimates import Estimate, make_estimate

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
        raise ValueError("the noise of training needs a replicated cell, none has two seeds: run more seeds")
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    sd = float(np.sqrt(squares / df))
    if sd <= 1e-12 * max(float(np.abs(group).max()) for group in groups):
        raise ValueError("replicates do not differ, there is no noise to judge by: run more seeds, or ask more prompts")
    return Noise(sd, df)


def compare_means(cells: Cells, others: Cells, noise: Noise) -> Estimate:
    """Mean of `cells` − mean of `others` with a t interval of the pooled noise."""
    se = noise.sd * np.sqrt(1 / len(cells) + 1 / len(others))
    return make_estimate(float(cells.mean() - others.mean()), float(se), noise.df)


def bound_simultaneously(known: Estimate, looked_at: int) -> tuple[float, float]:
    """The interval that holds for all of `looked_at` differences together (Bonferroni), so for the best of them."""
    half = float(stats.t.ppf(1 - 0.025 / looked_at, known.df)) * known.se
    return known.value - half, known.value + half


def compare_maxima(groups: Sequence[Cells], others: Sequence[Cells], noise: Noise) -> Difference:
    """The best mean of `groups` − the best mean of `others`, though both were found on the same cells.

    max a − max b = max over a of min over b of (a − b), and taking the minimum needs no allowance. So the lower end
    and the p of 'not above' are Bonferroni's over `groups` alone, the upper end's and the other p's over `others`
    alone: 95 % at least, whatever the true means are.
    """
    gaps = np.array([[one.mean() - other.mean() for other in others] for one in groups])
    se = noise.sd * np.sqrt([[1 / len(one) + 1 / len(other) for other in others] for one in groups])
    lower, upper = (se * stats.t.ppf(1 - 0.025 / len(side), noise.df) for side in (groups, others))
    return Difference(
        float(gaps.min(axis=1).max()),
        float((gaps - lower).min(axis=1).max()),
        float((gaps + upper).max(axis=0).min()),
        _chance(gaps / se, len(groups), noise.df),
        _chance(-gaps.T / se.T, len(others), noise.df),
    )


def _chance(ratios: Float[np.ndarray, "a b"], looked_at: int, df: int) -> float:
    return min(1.0, looked_at * float(stats.t.sf(ratios.min(axis=1).max(), df)))
