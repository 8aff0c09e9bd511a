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
        raise ValueError("seed noise needs a configuration with two seeds, there is none: run more seeds")
    squares = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    sd = float(np.sqrt(squares / df))
    if sd <= 1e-12 * max(float(np.abs(group).max()) for group in groups):
        raise ValueError("all replicates are equal, so there is no seed noise: run more seeds or prompts")
    return Noise(sd, df)


def compare_means(cells: Cells, baseline: Cells, noise: Noise) -> Estimate:
    """Mean of `cells` − mean of `baseline` with a t interval of the pooled noise."""
    se = noise.sd * np.sqrt(1 / len(cells) + 1 / len(baseline))
    return make_estimate(float(cells.mean() - baseline.mean()), float(se), noise.df)


def bound_simultaneously(estimate: Estimate, comparisons: int) -> tuple[float, float]:
    """The interval that holds for all of `comparisons` differences together (Bonferroni), so for the best of them."""
    half = float(stats.t.ppf(1 - 0.025 / comparisons, estimate.df)) * estimate.se
    return estimate.value - half, estimate.value + half


def compare_maxima(groups: Sequence[Cells], rivals: Sequence[Cells], noise: Noise) -> Difference:
    """The best mean of `groups` − the best mean of `rivals`, though both were picked from the same cells.

    max a − max b = max over a of min over b of (a − b), and taking the minimum needs no correction. So the lower end
    and the p of 'not above' are Bonferroni's over `groups` alone, the upper end's and the other p's over `rivals`
    alone: 95 % at least, whatever the true means are.
    """
    gaps = np.array([[group.mean() - rival.mean() for rival in rivals] for group in groups])
    se = noise.sd * np.sqrt([[1 / len(group) + 1 / len(rival) for rival in rivals] for group in groups])
    lower, upper = (se * stats.t.ppf(1 - 0.025 / len(side), noise.df) for side in (groups, rivals))
    return Difference(
        float(gaps.min(axis=1).max()),
        float((gaps - lower).min(axis=1).max()),
        float((gaps + upper).max(axis=0).min()),
        _compute_p(gaps / se, len(groups), noise.df),
        _compute_p(-gaps.T / se.T, len(rivals), noise.df),
    )


def _compute_p(ratios: Float[np.ndarray, "a b"], comparisons: int, df: int) -> float:
    return min(1.0, comparisons * float(stats.t.sf(ratios.min(axis=1).max(), df)))
