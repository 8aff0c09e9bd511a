"""Comparable cells → rows: what is left of each slope when response length, and trained tokens, are held fixed."""

from typing import NamedTuple

import numpy as np
import polars as pl

from m2m.study.analysis.confound import LinearModel, decide_survival, fit_model
from m2m.study.analysis.slopes import fit_line
from m2m.study.cells.cells import SETTING, STRATEGIES, get_column, select_outcome, split_cells
from m2m.study.cells.correlation import pearson
from m2m.study.cells.rows import StudyRow, add_holm, compute_or_explain
from m2m.study.cells.t_estimates import Estimate

SAME = 1e-6  # share of trained tokens that length does not tell: less is the rounding of the mean length
LENGTH_COLUMNS = {"length": "mean_response_tokens", "trained_tokens": "trained_tokens"}


class Fitted(NamedTuple):
    """A strategy's slope alone, and in a model with length."""

    plain: Estimate
    both: LinearModel
    cells: int


def regress_on_length(cells: pl.DataFrame, outcome: str) -> list[StudyRow]:
    """Three rows a setting and strategy of the six; each has coefficients, variance inflations and a verdict.

    Holm's p of diversity's coefficient is over the strategies and sizes of a condition, each model by itself.

    `own`: performance on diversity and length, over the strategy's cells. `own and tokens`: trained tokens too,
    unless they are length again, as under a row budget without truncation.
    `shared`: over all cells of the setting, each strategy with a level and a slope of its own, one effect of length
    for all: where length moves differently in other strategies, it can be told from diversity.
    """
    rows = [
        {"outcome": outcome} | key | {"strategy": name} | row
        for key, part in split_cells(select_outcome(cells, outcome), *SETTING)
        for name in STRATEGIES
        if (part["strategy"] == name).any()
        for row in _three(part, name)
    ]
    return [_told(row) for row in add_holm(rows, "condition", "model")]


def _three(part: pl.DataFrame, name: str) -> list[StudyRow]:
    own = part.filter(pl.col("strategy") == name)
    return [
        {"model": "own"} | compute_or_explain(_own, own, ["length"]),
        {"model": "own and tokens"} | compute_or_explain(_own_and_tokens, own),
        {"model": "shared"} | compute_or_explain(_shared, part, name),
    ]


def _own(own: pl.DataFrame, causes: list[str]) -> StudyRow:
    columns = {"diversity": get_column(own, "diversity")} | {
        cause: get_column(own, LENGTH_COLUMNS[cause]) for cause in causes
    }
    return _row(own, columns, np.zeros(own.height, dtype=np.int64), own)


def _own_and_tokens(own: pl.DataFrame) -> StudyRow:
    if 1 - pearson(*(get_column(own, name) for name in LENGTH_COLUMNS.values())).r ** 2 < SAME:
        raise ValueError("trained tokens are length again: so many rows times their mean length")
    return _own(own, list(LENGTH_COLUMNS))


def _shared(part: pl.DataFrame, name: str) -> StudyRow:
    """The rivals' slopes are in the model, under their names; random and others have a level only."""
    strategies = part["strategy"].to_numpy()
    dialled = [one for one in STRATEGIES if part.filter(pl.col("strategy") == one)["degree"].n_unique() > 1]
    slopes = {one: np.where(strategies == one, get_column(part, "diversity"), 0) for one in dialled if one != name}
    ours = {"diversity": np.where(strategies == name, get_column(part, "diversity"), 0)}
    columns = ours | {"length": get_column(part, LENGTH_COLUMNS["length"])} | slopes
    return _row(part, columns, np.unique(strategies, return_inverse=True)[1], part.filter(pl.col("strategy") == name))


def _row(part: pl.DataFrame, columns: dict[str, np.ndarray], groups: np.ndarray, own: pl.DataFrame) -> StudyRow:
    plain, both = (
        fit_line(get_column(own, "diversity"), get_column(own)).slope,
        fit_model(get_column(part), columns, groups),
    )
    known = {"p": both.terms["diversity"].p} if "diversity" in both.terms else {}
    return {"fitted": Fitted(plain, both, part.height)} | known


def _told(row: StudyRow) -> StudyRow:
    """`row` with the numbers of its fit in place of that, and its verdict."""
    if "fitted" not in row:
        return row
    fit, holm = row["fitted"], row.get("p_holm", 1.0)
    kept = {name: row[name] for name in row if name not in ("fitted", "p", "p_holm")}
    kept |= {"verdict": decide_survival(fit.plain, fit.both, holm), "cells": fit.cells, "plain": fit.plain.value}
    for name in [name for name in ("diversity", *LENGTH_COLUMNS) if name in fit.both.inflation]:
        kept[f"{name}_inflation"] = fit.both.inflation[name]
        known = fit.both.terms[name]._asdict() if name in fit.both.terms else {}
        kept |= {f"{name}_{key}": known[key] for key in ("value", "low", "high", "p") if key in known}
    return kept | ({"diversity_p_holm": holm} if "p_holm" in row else {})
