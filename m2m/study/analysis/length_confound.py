"""A view → what is left of each slope when response length, and trained tokens, are controlled."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from m2m.schemas.study_numbers import LengthNumbers, Survival
from m2m.schemas.study_rows import LengthRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.slopes import fit_line
from m2m.study.analysis.view import View
from m2m.study.cells.cells import get_column
from m2m.study.cells.correlation import Column, pearson
from m2m.study.cells.labels import ALPHA
from m2m.study.cells.rows import compute_or_explain
from m2m.study.cells.t_estimates import Estimate, make_estimate

MAX_INFLATION = 10.0  # variance inflation above which two causes are not separable (O'Brien 2007 on the custom)
COLLINEAR = 1e-8  # share of a cause's variance that the other causes leave: below it is a sum of the others
SAME = 1e-6  # share of trained tokens that length does not explain: below it is the rounding of the mean length
LENGTH_COLUMNS = {"length": "mean_response_tokens", "trained_tokens": "trained_tokens"}
GroupNumbers = Int[np.ndarray, "cells"]


class LinearModel(NamedTuple):
    """Each cause's coefficient and variance inflation. No coefficient where the inflation is infinite."""

    terms: dict[str, Estimate]
    inflation: dict[str, float]


def regress_on_length(view: View) -> list[LengthRow]:
    """Three rows a strategy of the six; each has coefficients and variance inflations, and no verdict yet.

    `own`: the outcome on diversity and length, over the strategy's cells. `own and tokens`: trained tokens too,
    unless they are length again, as under a row budget without truncation.
    `shared`: over all cells of the setting, each strategy with a level and a slope of its own, one effect of length
    for all: where length moves differently in other strategies, it is separable from diversity.
    """
    rows: list[LengthRow] = []
    for strategy in UNIT_STRATEGIES:
        cells = view.select_strategy(strategy)
        if cells.height:
            alone = compute_or_explain(_regress_own, cells, ["length"])
            tokens = compute_or_explain(_regress_own_and_tokens, cells)
            shared = compute_or_explain(_regress_shared, view.cells, strategy)
            rows.append({**view.place, "strategy": strategy, "model": "own", **alone})
            rows.append({**view.place, "strategy": strategy, "model": "own and tokens", **tokens})
            rows.append({**view.place, "strategy": strategy, "model": "shared", **shared})
    return rows


def add_survival(rows: Sequence[LengthRow]) -> list[LengthRow]:
    """The rows with their `verdict`; after Holm."""
    return [row if "reason" in row else {**row, "verdict": decide_survival(row)} for row in rows]


def decide_survival(row: LengthRow) -> Survival:
    """What becomes of the plain slope of diversity when length is controlled.

    'still significant' needs a significant plain slope too. 'no longer significant' needs more than a lost effect:
    length itself must have a significant one. It does not say that length explains the slope.
    """
    inflation = row["diversity_inflation"]
    if inflation is None or inflation > MAX_INFLATION:
        return "not separable from length"
    plain = _excludes_zero(row["plain_low"], row["plain_high"])
    if row["diversity_p_holm"] < ALPHA:
        if not plain:
            return "newly significant"
        return "still significant" if row["diversity_value"] * row["plain"] > 0 else "reversed"
    length = "length_low" in row and _excludes_zero(row["length_low"], row["length_high"])
    return "no longer significant" if plain and length else "inconclusive"


def fit_model(outcomes: Column, causes: Mapping[str, Column], groups: GroupNumbers) -> LinearModel:
    """outcome = one constant a group + Σ coefficient · cause, by least squares, t intervals.

    Inflation is 1 / (1 − R²) of a cause on the others, all of them taken about their group's mean; infinite where it
    is a sum of the others: that one has no coefficient, the rest have (statsmodels would warn and give it one).
    ValueError for a cause that does not vary within any group, and when no degree of freedom is left.
    """
    within = np.column_stack([_centre_cause(cause, groups, name) for name, cause in causes.items()])
    sizes = np.linalg.norm(within, axis=0)
    units, centred = within / sizes, _subtract_means(outcomes, groups)
    df = len(outcomes) - len(np.unique(groups)) - int(np.linalg.matrix_rank(units, tol=COLLINEAR))
    if df < 1:
        needed = len(np.unique(groups)) + len(causes) + 1
        raise ValueError(f"{len(causes)} causes need at least {needed} cells here, got {len(outcomes)}: run more")
    sd = float(np.linalg.norm(_residuals(centred, units))) / np.sqrt(df)
    terms, inflation = {}, {}
    for i, name in enumerate(causes):
        unique = _residuals(units[:, i], np.delete(units, i, axis=1))  # what no other explains (Frisch and Waugh)
        share = float(unique @ unique)
        inflation[name] = 1 / share if share > COLLINEAR else float("inf")
        if share > COLLINEAR:
            terms[name] = make_estimate(float(unique @ centred) / share / sizes[i], sd / np.sqrt(share) / sizes[i], df)
    return LinearModel(terms, inflation)


def _regress_own(cells: pl.DataFrame, names: list[str]) -> LengthNumbers:
    causes = {"diversity": get_column(cells, "diversity")}
    causes |= {name: get_column(cells, LENGTH_COLUMNS[name]) for name in names}
    return _list_numbers(cells, fit_model(get_column(cells), causes, np.zeros(cells.height, dtype=np.int64)), cells)


def _regress_own_and_tokens(cells: pl.DataFrame) -> LengthNumbers:
    if 1 - pearson(*(get_column(cells, name) for name in LENGTH_COLUMNS.values())).r ** 2 < SAME:
        raise ValueError("trained tokens are length again: the number of rows times their mean length")
    return _regress_own(cells, list(LENGTH_COLUMNS))


def _regress_shared(cells: pl.DataFrame, strategy: str) -> LengthNumbers:
    """Other strategies' slopes are in the model, under their names; random and other baselines have a level only."""
    strategies, diversity = cells["strategy"].to_numpy(), get_column(cells, "diversity")
    dialled = [name for name in UNIT_STRATEGIES if cells.filter(pl.col("strategy") == name)["degree"].n_unique() > 1]
    causes = {"diversity": np.where(strategies == strategy, diversity, 0)}
    causes |= {"length": get_column(cells, LENGTH_COLUMNS["length"])}
    causes |= {name: np.where(strategies == name, diversity, 0) for name in dialled if name != strategy}
    model = fit_model(get_column(cells), causes, np.unique(strategies, return_inverse=True)[1])
    return _list_numbers(cells.filter(pl.col("strategy") == strategy), model, cells)


def _list_numbers(strategy_cells: pl.DataFrame, model: LinearModel, cells: pl.DataFrame) -> LengthNumbers:
    plain = fit_line(get_column(strategy_cells, "diversity"), get_column(strategy_cells)).slope
    numbers: dict[str, float] = {"plain": plain.value, "plain_low": plain.low, "plain_high": plain.high}
    for name in [name for name in ("diversity", *LENGTH_COLUMNS) if name in model.inflation]:
        numbers[f"{name}_inflation"] = model.inflation[name]
        if name in model.terms:
            term = model.terms[name]
            numbers |= {f"{name}_value": term.value, f"{name}_low": term.low}
            numbers |= {f"{name}_high": term.high, f"{name}_p": term.p}
    return cast(LengthNumbers, {"cells": cells.height, **numbers})


def _excludes_zero(low: float, high: float) -> bool:
    return low > 0 or high < 0


def _centre_cause(cause: Column, groups: GroupNumbers, name: str) -> Column:
    within = _subtract_means(cause, groups)
    if np.ptp(within) <= 1e-12 * np.abs(cause).max():
        raise ValueError(f"{name} is the same in all cells of each group: it has no effect to estimate")
    return within


def _subtract_means(column: Column, groups: GroupNumbers) -> Column:
    _, group = np.unique(groups, return_inverse=True)
    return np.asarray(column - (np.bincount(group, column) / np.bincount(group))[group])


def _residuals(column: Column, regressors: Float[np.ndarray, "cells others"]) -> Column:
    return np.asarray(column - regressors @ np.linalg.lstsq(regressors, column, rcond=COLLINEAR)[0])
