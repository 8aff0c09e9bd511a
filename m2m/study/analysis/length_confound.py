"""A view → what is left of each slope at equal response length, and whether length explains the rest."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float

from m2m.planning.seed_noise import ALPHA
from m2m.schemas.study_numbers import LengthNumbers, Survival
from m2m.schemas.study_rows import LengthRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.levels import decorrelate_seeds
from m2m.study.analysis.slopes import Line, fit_line
from m2m.study.analysis.view import View
from m2m.study.cells.cells import get_column
from m2m.study.cells.correlation import Column
from m2m.study.cells.labels import CONFIGURATION
from m2m.study.cells.rows import compute_or_explain
from m2m.study.cells.t_estimates import Estimate, is_rounding, make_estimate

LENGTH = "mean_response_tokens"
RANDOM_ROWS = ("random", "length-matched")  # random rows, whatever their length
NOT_ESTIMABLE = 1e-6  # of a sum's coefficients: what the model leaves open
AS_RANDOM = "lengths as random"  # in the condition of a setting
Terms = Float[np.ndarray, "cells columns"]


class WeightedEstimate(NamedTuple):
    """An estimate, and the weights of the cells' outcomes that it is the sum of."""

    estimate: Estimate
    weights: Column


def regress_on_length(view: View) -> list[LengthRow]:
    """Two rows a strategy of the six, without a verdict yet; one where its lengths are random's at every degree.

    Both models bend with length: a line and its square, so that a concave effect does not pass for diversity.
    `own`: the outcome on diversity and length, over the strategy's cells.
    `shared`: over all cells of the setting. Every configuration has a level of its own, except that random rows of all
    lengths share one: they say what length does. A cliff of one strategy then does not blur the others.
    """
    rows: list[LengthRow] = []
    for strategy in UNIT_STRATEGIES:
        cells = view.select_strategy(strategy)
        if cells.is_empty():
            continue
        if AS_RANDOM in view.place["condition"]:
            plain = compute_or_explain(_measure_plain, view, cells)
            rows.append({**view.place, "strategy": strategy, "model": "own", **plain})
            continue
        own = compute_or_explain(_regress_own, view, cells)
        shared = compute_or_explain(_regress_shared, view, strategy)
        rows.append({**view.place, "strategy": strategy, "model": "own", **own})
        rows.append({**view.place, "strategy": strategy, "model": "shared", **shared})
    return rows


def add_survival(rows: Sequence[LengthRow]) -> list[LengthRow]:
    """The rows with their `verdict`; after Holm."""
    return [row if "reason" in row else {**row, "verdict": decide_survival(row)} for row in rows]


def decide_survival(row: LengthRow) -> Survival:
    """What becomes of the plain slope of diversity at equal length, by the interval of what is left.

    'explained by length' needs an interval below half of the plain slope, 'not explained by length' one above it. Where
    Holm's p excludes 0, something is left: 'mostly explained' or 'not wholly explained'. Else 'cannot tell': an effect
    that is merely no longer significant may be there.
    """
    if AS_RANDOM in row["condition"]:
        return "equal lengths by design"
    left = row["diversity_p_holm"] < ALPHA
    if row["plain_low"] <= 0 <= row["plain_high"]:
        return "only at equal length" if left else "no plain effect"
    sign = 1 if row["plain"] > 0 else -1
    if left and sign * row["diversity_value"] < 0:
        return "reversed at equal length"
    low, high = sorted((sign * row["diversity_low"], sign * row["diversity_high"]))
    half = sign * row["plain"] / 2
    if high < half:
        return "mostly explained by length" if left else "explained by length"
    if not left:
        return "cannot tell"
    return "not explained by length" if low > half else "not wholly explained by length"


def estimate_sum(
    outcomes: Column,
    columns: Terms,
    coefficients: Float[np.ndarray, "columns"],
    seeds: Sequence[int],
    correlation: float,
) -> WeightedEstimate:
    """Σ coefficient · effect of a column, by least squares; cells of one seed have this correlation.

    ValueError when no degree of freedom is left, for a sum that the cells leave open, and without any noise.
    """
    n = len(outcomes)
    whitener = np.asarray(decorrelate_seeds(np.eye(n), seeds, correlation))
    scaled = columns / np.linalg.norm(columns, axis=0)
    inverse = np.linalg.pinv(whitener @ scaled, rcond=1e-10)
    df = n - int(np.linalg.matrix_rank(scaled, tol=1e-8))
    if df < 1:
        raise ValueError(f"at equal length, {columns.shape[1]} terms need more than {n} cells: run more")
    target = coefficients / np.linalg.norm(columns, axis=0)
    if np.abs(target @ inverse @ (whitener @ scaled) - target).max() > NOT_ESTIMABLE * np.abs(target).max():
        raise ValueError("length goes exactly with the degree here, so nothing is left at equal length")
    weights = target @ inverse @ whitener
    residuals = whitener @ (outcomes - scaled @ (inverse @ whitener @ outcomes))
    sd = float(np.sqrt(residuals @ residuals / df))
    if is_rounding(sd, outcomes):
        raise ValueError(f"at equal length, {n} cells have no noise to judge a slope by: run more seeds or prompts")
    se = sd * float(np.linalg.norm(target @ inverse))
    return WeightedEstimate(make_estimate(float(weights @ outcomes), se, df), weights)


def _regress_own(view: View, cells: pl.DataFrame) -> LengthNumbers:
    columns = np.column_stack([get_column(cells, "diversity"), np.ones(cells.height), *_bend(cells)])
    return _measure_left(view, cells, cells, columns, np.eye(4)[0])


def _regress_shared(view: View, strategy: str) -> LengthNumbers:
    cells = view.cells
    names = cells.select(
        pl.when(pl.col("strategy").is_in(RANDOM_ROWS))
        .then(pl.lit("random"))
        .otherwise(pl.format("{}|{}|{}", *CONFIGURATION))
    ).to_series()
    levels, member = np.unique(names.to_numpy(), return_inverse=True)
    columns = np.column_stack([np.eye(len(levels))[member], *_bend(cells)])
    belongs = (cells["strategy"] == strategy).to_numpy()
    own_cells = cells.filter(belongs)
    weights = _fit_plain(view, own_cells).weights
    coefficients = np.bincount(member[belongs], weights, minlength=columns.shape[1])
    return _measure_left(view, own_cells, cells, columns, coefficients)


def _measure_left(
    view: View,
    strategy_cells: pl.DataFrame,
    cells: pl.DataFrame,
    columns: Terms,
    coefficients: Float[np.ndarray, "columns"],
) -> LengthNumbers:
    """The plain slope, and the sum of these columns' effects over `cells`: what is left of it at equal length."""
    numbers = _measure_plain(view, strategy_cells)
    remainder = estimate_sum(get_column(cells), columns, coefficients, cells["seed"].to_list(), _find_correlation(view))
    estimate, _ = view.prompts.add_prompts(remainder.estimate, remainder.weights, cells["experiment"].to_list())
    return {
        **numbers,
        "cells": cells.height,
        "diversity_value": estimate.value,
        "diversity_low": estimate.low,
        "diversity_high": estimate.high,
        "diversity_p": estimate.p,
    }


def _measure_plain(view: View, cells: pl.DataFrame) -> LengthNumbers:
    line = _fit_plain(view, cells)
    plain, _ = view.prompts.add_prompts(line.slope, line.weights, cells["experiment"].to_list())
    return {"cells": cells.height, "plain": plain.value, "plain_low": plain.low, "plain_high": plain.high}


def _fit_plain(view: View, cells: pl.DataFrame) -> Line:
    seeds, correlation = cells["seed"].to_list(), _find_correlation(view)
    return fit_line(get_column(cells, "diversity"), get_column(cells), seeds, correlation)


def _find_correlation(view: View) -> float:
    return 0.0 if isinstance(view.size_levels, str) else view.size_levels.correlation


def _bend(cells: pl.DataFrame) -> list[Column]:
    """Length and its square, about their middle. ValueError where length does not vary."""
    length = get_column(cells, LENGTH)
    if np.ptp(length) <= 1e-9 * length.max():
        raise ValueError("all cells have the same response length: nothing to control")
    middle = (length - length.mean()) / length.std()
    return [middle, middle**2]
