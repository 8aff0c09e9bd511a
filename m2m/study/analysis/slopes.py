"""A view → the slope of each strategy's outcome on its diversity: the posterior of a straight line."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy import stats

from m2m.schemas.study_numbers import BandPoint, LineNumbers
from m2m.schemas.study_rows import SlopeRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.levels import decorrelate_seeds
from m2m.study.analysis.view import View
from m2m.study.cells.cells import get_column, split_cells
from m2m.study.cells.correlation import pearson, spearman
from m2m.study.cells.rows import compute_or_explain, make_correlation_row
from m2m.study.cells.t_estimates import Estimate, is_rounding, make_estimate

SIGMA = float(stats.norm.cdf(1))  # 0.841: the upper end of a 1-sigma band
DIVERSITIES = np.arange(7) / 6


class Line(NamedTuple):
    """outcome = intercept + slope · diversity; the slope is the difference between degree 6 and degree 0."""

    slope: Estimate
    intercept: float
    residual_sd: float
    weights: Float[np.ndarray, "cells"]  # the slope is the sum of the outcomes times these
    spread: Float[np.ndarray, "2 2"]  # covariance of intercept and slope at a residual sd of 1


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


def fit_line(
    diversity: Float[np.ndarray, "cells"],
    outcomes: Float[np.ndarray, "cells"],
    seeds: Sequence[int] = (),
    correlation: float = 0.0,
) -> Line:
    """Bayesian linear regression under the reference prior p(β, σ²) ∝ 1 / σ²: the slope's posterior is t, n − 2.

    Outcomes of cells of one of `seeds` have this `correlation`: the line is then compared within seeds.

    Gelman et al. 2013, section 14.2. A cell is an observation: seeds of one degree are cells of their own. ValueError
    below three cells or two degrees, and where all outcomes lie on the line: then there is no noise to judge by.
    """
    n = len(diversity)
    if n < 3 or np.ptp(diversity) == 0:
        raise ValueError(
            f"a slope needs at least 3 cells and 2 degrees, got {n} and {len(np.unique(diversity))}: run more"
        )
    design = np.column_stack([np.ones(n), diversity])
    whitener = np.asarray(decorrelate_seeds(np.eye(n), seeds if len(seeds) else range(n), correlation))
    weights = np.linalg.pinv(whitener @ design) @ whitener
    intercept, slope = (float(value) for value in weights @ outcomes)
    residuals = whitener @ (outcomes - design @ (intercept, slope))
    sd = float(np.sqrt(residuals @ residuals / (n - 2)))
    if is_rounding(sd, outcomes):
        raise ValueError(
            f"a slope needs noise to be judged by, all {n} outcomes lie on one line: run more seeds or prompts"
        )
    spread = np.linalg.inv(design.T @ whitener.T @ whitener @ design)
    return Line(make_estimate(slope, sd * float(np.sqrt(spread[1, 1])), n - 2), intercept, sd, weights[1], spread)


def predict_band(line: Line, diversity: Float[np.ndarray, "points"]) -> list[tuple[float, float, float]]:
    """The line and its 1-sigma credible band (68.3 %) at each `diversity`: middle, low, high."""
    points = np.column_stack([np.ones(len(diversity)), diversity])
    middle = points @ (line.intercept, line.slope.value)
    half = stats.t.ppf(SIGMA, line.slope.df) * line.residual_sd * np.sqrt(((points @ line.spread) * points).sum(axis=1))
    return [(float(m), float(m - h), float(m + h)) for m, h in zip(middle, half, strict=True)]


def _fit(view: View, cells: pl.DataFrame) -> LineNumbers:
    correlation = 0.0 if isinstance(view.size_levels, str) else view.size_levels.correlation
    line = fit_line(get_column(cells, "diversity"), get_column(cells), cells["seed"].to_list(), correlation)
    slope, prompts = view.prompts.add_prompts(line.slope, line.weights, cells["experiment"].to_list())
    return {
        **slope.to_numbers(),
        "intercept": line.intercept,
        "residual_sd": line.residual_sd,
        "band": [
            BandPoint(diversity=float(x), middle=middle, low=low, high=high)
            for x, (middle, low, high) in zip(DIVERSITIES, predict_band(line, DIVERSITIES), strict=True)
        ],
        **prompts,
    }
