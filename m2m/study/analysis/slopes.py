"""Performance against diversity → the posterior of a straight line."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from m2m.study.cells.t_estimates import Estimate, make_estimate

SIGMA = float(stats.norm.cdf(1))  # 0.841: the upper end of a 1-sigma band


class Line(NamedTuple):
    """performance = intercept + slope · diversity; the slope is what the way from degree 0 to degree 6 is worth."""

    slope: Estimate
    intercept: float
    residual_sd: float
    centre: float  # mean diversity of the cells
    spread: float  # sum of squares of the diversities about it
    cells: int


def fit_line(diversity: Float[np.ndarray, "cells"], performance: Float[np.ndarray, "cells"]) -> Line:
    """Bayesian linear regression under the reference prior p(β, σ²) ∝ 1 / σ²: the slope's posterior is t, n − 2.

    Gelman et al. 2013, section 14.2. A cell is an observation: seeds of one degree are cells of their own. ValueError
    below three cells or two degrees, and where all performances are equal: then there is no noise to judge by.
    """
    n = len(diversity)
    if n < 3 or np.ptp(diversity) == 0:
        raise ValueError(
            f"a slope needs at least 3 cells and 2 degrees, got {n} and {len(np.unique(diversity))}: run more"
        )
    if np.ptp(performance) == 0:
        raise ValueError(f"a slope needs noise to be judged by, all {n} performances are {performance[0]:g}")
    centre, weights = float(diversity.mean()), weigh_slope(diversity)
    slope = float(weights @ performance)
    residuals = performance - performance.mean() - slope * (diversity - centre)
    spread, sd = float(1 / (weights @ weights)), float(np.sqrt(residuals @ residuals / (n - 2)))
    known = make_estimate(slope, sd / np.sqrt(spread), n - 2)
    return Line(known, float(performance.mean()) - slope * centre, sd, centre, spread, n)


def weigh_slope(diversity: Float[np.ndarray, "cells"]) -> Float[np.ndarray, "cells"]:
    """The least-squares slope is this weighted sum of the performances."""
    centred = diversity - diversity.mean()
    return np.asarray(centred / (centred @ centred))


def predict_band(fitted: Line, diversity: Float[np.ndarray, "points"]) -> list[tuple[float, float, float]]:
    """The line and its 1-sigma credible band (68.3 %) at each `diversity`: middle, low, high."""
    middle = fitted.intercept + fitted.slope.value * diversity
    se = fitted.residual_sd * np.sqrt(1 / fitted.cells + (diversity - fitted.centre) ** 2 / fitted.spread)
    half = stats.t.ppf(SIGMA, fitted.slope.df) * se
    return [(float(m), float(m - h), float(m + h)) for m, h in zip(middle, half, strict=True)]
