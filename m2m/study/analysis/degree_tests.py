"""Comparable cells → whether the degrees of a strategy differ at all, and whether a straight line tells how."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy import stats

from m2m.study.analysis.against_random import estimate_noise
from m2m.study.analysis.contrasts import Noise
from m2m.study.cells.cells import SETTING, STRATEGIES, get_column, select_outcome, split_cells
from m2m.study.cells.rows import StudyRow, add_holm, compute_or_explain


def inspect_degrees(cells: pl.DataFrame, outcome: str) -> list[StudyRow]:
    """One row a setting and strategy of the six, judged by the noise pooled over all replicated cells of its size.

    `p` is that of equal degrees, with Holm's over the strategies and sizes of a condition; `bend_p` that of a straight
    line through them. `worst` and `best` are degrees.
    """
    known = select_outcome(cells, outcome)
    six = known.filter(pl.col("strategy").is_in(STRATEGIES))
    rows = [
        {"outcome": outcome} | key | compute_or_explain(_shape, known, part)
        for key, part in split_cells(six, *SETTING, "strategy")
    ]
    return add_holm(rows, "condition")


def compute_equality_p(groups: Sequence[Float[np.ndarray, "seeds"]], spread: Noise) -> float:
    """p of equal means: Σ squares of the means about the whole mean ÷ (groups − 1) ÷ noise² is F (one-way ANOVA)."""
    values = np.concatenate(groups)
    flat = np.repeat(values.mean(), len(groups))
    return _p(groups, flat, len(groups) - 1, spread)


def compute_linearity_p(degrees: Sequence[float], groups: Sequence[Float[np.ndarray, "seeds"]], spread: Noise) -> float:
    """p of means on a straight line: the F test of lack of fit (Fisher 1922; Draper and Smith 1998, section 2.1)."""
    x = np.repeat(degrees, [len(group) for group in groups])
    slope, intercept = np.polyfit(x, np.concatenate(groups), 1)
    return _p(groups, intercept + slope * np.asarray(degrees), len(groups) - 2, spread)


def _shape(known: pl.DataFrame, part: pl.DataFrame) -> StudyRow:
    spread = estimate_noise(known, part["size"][0])
    by_degree = {key["degree"]: get_column(some) for key, some in split_cells(part, "degree")}
    if len(by_degree) < 2:
        raise ValueError(f"degrees differ by noise or more: that needs 2 degrees, got {len(by_degree)}")
    degrees, groups = list(by_degree), list(by_degree.values())
    means = {degree: float(group.mean()) for degree, group in by_degree.items()}
    worst, best = min(degrees, key=means.__getitem__), max(degrees, key=means.__getitem__)
    row = {"degrees": len(degrees), "p": compute_equality_p(groups, spread), "worst": worst, "best": best}
    row |= {"worst_mean": means[worst], "best_mean": means[best], "noise": spread.sd}
    return row | (
        {"bend_p": compute_linearity_p([float(one) for one in degrees], groups, spread)} if len(degrees) > 2 else {}
    )


def _p(
    groups: Sequence[Float[np.ndarray, "seeds"]], expected: Float[np.ndarray, "groups"], df: int, spread: Noise
) -> float:
    squares = sum(len(group) * (group.mean() - mean) ** 2 for group, mean in zip(groups, expected, strict=True))
    return float(stats.f.sf(squares / df / spread.sd**2, df, spread.df))
