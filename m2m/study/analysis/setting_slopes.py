"""Comparable cells → a row a strategy and setting: slope, correlations, and how far they reach."""

import numpy as np
import polars as pl

from m2m.study.analysis.other_prompts import Prompts
from m2m.study.analysis.slopes import band, line, slope_weights
from m2m.study.cells.cells import SETTING, STRATEGIES, column, parts, with_worth
from m2m.study.cells.correlation import pearson, spearman
from m2m.study.cells.rows import Row, correlation_row, or_reason, with_holm

DEGREES = np.arange(7) / 6


def slope_rows(cells: pl.DataFrame, outcome: str, prompts: Prompts) -> list[Row]:
    """One row a setting and strategy of the six; Holm's p over the strategies and sizes of a condition.

    `prompts` has the outcome's score on each prompt.
    """
    six = with_worth(cells, outcome).filter(pl.col("strategy").is_in(STRATEGIES))
    rows = [
        {"outcome": outcome} | key | {"cells": part.height} | _slope(part, prompts)
        for key, part in parts(six, *SETTING, "strategy")
    ]
    return with_holm(rows, "condition")


def _slope(part: pl.DataFrame, prompts: Prompts) -> Row:
    x, y = column(part, "diversity"), column(part)
    correlations = correlation_row("pearson", pearson, x, y) | correlation_row("spearman", spearman, x, y)
    return or_reason(_line, part, prompts) | correlations


def _line(part: pl.DataFrame, prompts: Prompts) -> Row:
    diversity = column(part, "diversity")
    fitted = line(diversity, column(part))
    points = zip(DEGREES, band(fitted, DEGREES), strict=True)
    row = fitted.slope._asdict() | {
        "intercept": fitted.intercept,
        "residual_sd": fitted.residual_sd,
        "band": [{"diversity": float(x), "middle": m, "low": low, "high": high} for x, (m, low, high) in points],
    }
    return row | prompts.row(fitted.slope, slope_weights(diversity), part["experiment"].to_list())
