"""A view → the slope of each strategy's outcome on its diversity: the posterior of a straight line."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy import stats

from m2m.schemas.study_numbers import BandPoint, LineNumbers
from m2m.schemas.study_rows import SlopeRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.view import View
from m2m.study.cells.cells import get_column, split_cells
from m2m.study.cells.correlation import pearson, spearman
from m2m.study.cells.rows import compute_or_explain, make_correlation_row
from m2m.study.cells.t_estimates import Estimate, make_estimate

SIGMA = float(stats.norm.cdf(1))  # 0.841: the upper end of a 1-sigma band
DIVERSITIES = np.arange(7) / 6


class Line(NamedTuple):
    """outcome = intercept + slope · diversity; the slope is the difference between degree 6 and degree 0."""

    slope: Estimate
    intercept: float
    residual_sd: float
    centre: float  # mean diversity of the cells
    spread: float  # sum of squares of the diversities about it
    cells: int


def fit_slopes(view: View) -> list[SlopeRow]:
    """One row a strategy of the six."""
    rows: list[SlopeRow] = []
    for key, cells in split_cells(view.cells.filter(pl.col("strategy").is_in(UNIT_STRATEGIES)), "strategy"):
        strategy: str = key["strategy"]
        x, y = get_column(cells, "diversity"), get_column(cells)
        rows.append(
            {
                **view.place,
                "strategy": strategy,
                "cells": cells.height,
                **compute_or_explain(_fit, view, cells),
                **make_correlation_row("pearson", pearson, x, y),
                **make_correlation_row("spearman", spearman, x, y),
            }
        )
    return rows


def fit_line(diversity: Float[np.ndarray, "cells"], outcomes: Float[np.ndarray, "cells"]) -> Line:
    """Bayesian linear regression under the reference prior p(β, σ²) ∝ 1 / σ²: the slope's posterior is t, n − 2.

    Gelman et al. 2013, section 14.2. A cell is an observation: seeds of one degree are cells of their own. ValueError
    below three cells or two degrees, and where all outcomes are equal: then there is no noise to judge by.
    """
    n = len(diversity)
    if n < 3 or np.ptp(diversity) == 0:
        raise ValueError(
            f"a slope needs at least 3 cells and 2 degrees, got {n} and {len(np.unique(diversity))}: run more"
        )
    if np.ptp(outcomes) == 0:
        raise ValueError(f"a slope needs noise to be judged by, all {n} outcomes are {outcomes[0]:g}")
    centre, weights = float(diversity.mean()), weigh_slope(diversity)
    slope = float(weights @ outcomes)
    residuals = outcomes - outcomes.mean() - slope * (diversity - centre)
    spread, sd = float(1 / (weights @ weights)), float(np.sqrt(residuals @ residuals / (n - 2)))
    estimate = make_estimate(slope, sd / np.sqrt(spread), n - 2)
    return Line(estimate, float(outcomes.mean()) - slope * centre, sd, centre, spread, n)


def weigh_slope(diversity: Float[np.ndarray, "cells"]) -> Float[np.ndarray, "cells"]:
    """The least-squares slope is the sum of the outcomes times these weights."""
    centred = diversity - diversity.mean()
    return np.asarray(centred / (centred @ centred))


def predict_band(line: Line, diversity: Float[np.ndarray, "points"]) -> list[tuple[float, float, float]]:
    """The line and its 1-sigma credible band (68.3 %) at each `diversity`: middle, low, high."""
    middle = line.intercept + line.slope.value * diversity
    se = line.residual_sd * np.sqrt(1 / line.cells + (diversity - line.centre) ** 2 / line.spread)
    half = stats.t.ppf(SIGMA, line.slope.df) * se
    return [(float(m), float(m - h), float(m + h)) for m, h in zip(middle, half, strict=True)]


def _fit(view: View, cells: pl.DataFrame) -> LineNumbers:
    diversity = get_column(cells, "diversity")
    line = fit_line(diversity, get_column(cells))
    return {
        **line.slope.to_numbers(),
        "intercept": line.intercept,
        "residual_sd": line.residual_sd,
        "band": [
            BandPoint(diversity=float(x), middle=middle, low=low, high=high)
            for x, (middle, low, high) in zip(DIVERSITIES, predict_band(line, DIVERSITIES), strict=True)
        ],
        **view.prompts.compute_interval(line.slope, weigh_slope(diversity), cells["experiment"].to_list()),
    }
