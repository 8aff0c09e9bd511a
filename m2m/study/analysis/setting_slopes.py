"""Comparable cells → a row a strategy and setting: slope, correlations, and how far they reach."""

import numpy as np
import polars as pl

from m2m.study.analysis.other_prompts import PromptBootstrap
from m2m.study.analysis.slopes import fit_line, predict_band, weigh_slope
from m2m.study.cells.cells import SETTING, STRATEGIES, get_column, select_outcome, split_cells
from m2m.study.cells.correlation import pearson, spearman
from m2m.study.cells.rows import StudyRow, add_holm, compute_or_explain, make_correlation_row

DIVERSITIES = np.arange(7) / 6


def fit_slopes(cells: pl.DataFrame, outcome: str, prompts: PromptBootstrap) -> list[StudyRow]:
    """One row a setting and strategy of the six; Holm's p over the strategies and sizes of a condition.

    `prompts` has the outcome's score on each prompt.
    """
    six = select_outcome(cells, outcome).filter(pl.col("strategy").is_in(STRATEGIES))
    rows = [
        {"outcome": outcome} | key | {"cells": part.height} | _slope(part, prompts)
        for key, part in split_cells(six, *SETTING, "strategy")
    ]
    return add_holm(rows, "condition")


def _slope(part: pl.DataFrame, prompts: PromptBootstrap) -> StudyRow:
    x, y = get_column(part, "diversity"), get_column(part)
    correlations = make_correlation_row("pearson", pearson, x, y) | make_correlation_row("spearman", spearman, x, y)
    return compute_or_explain(_line, part, prompts) | correlations


def _line(part: pl.DataFrame, prompts: PromptBootstrap) -> StudyRow:
    diversity = get_column(part, "diversity")
    fitted = fit_line(diversity, get_column(part))
    points = zip(DIVERSITIES, predict_band(fitted, DIVERSITIES), strict=True)
    row = fitted.slope._asdict() | {
        "intercept": fitted.intercept,
        "residual_sd": fitted.residual_sd,
        "band": [{"diversity": float(x), "middle": m, "low": low, "high": high} for x, (m, low, high) in points],
    }
    return row | prompts.row(fitted.slope, weigh_slope(diversity), part["experiment"].to_list())
