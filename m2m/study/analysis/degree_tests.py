"""A view → whether the degrees of a strategy differ, and whether their means lie on a straight line."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy import stats

from m2m.schemas.study_numbers import DegreeNumbers
from m2m.schemas.study_rows import ShapeRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.against_random import estimate_noise
from m2m.study.analysis.contrasts import Noise
from m2m.study.analysis.view import View
from m2m.study.cells.cells import get_column, split_cells
from m2m.study.cells.rows import compute_or_explain

Groups = Sequence[Float[np.ndarray, "seeds"]]


def inspect_degrees(view: View) -> list[ShapeRow]:
    """One row a strategy of the six, judged by the noise pooled over all replicated cells of its size.

    `p` is that of equal degrees, `bend_p` that of a straight line through them. `worst` and `best` are degrees.
    """
    rows: list[ShapeRow] = []
    for key, cells in split_cells(view.cells.filter(pl.col("strategy").is_in(UNIT_STRATEGIES)), "strategy"):
        strategy: str = key["strategy"]
        rows.append({**view.place, "strategy": strategy, **compute_or_explain(_inspect, view, cells)})
    return rows


def compute_equality_p(groups: Groups, noise: Noise) -> float:
    """p of equal means: Σ squares of the means about the whole mean ÷ (groups − 1) ÷ noise² is F (one-way ANOVA)."""
    outcomes = np.concatenate(groups)
    return _compute_p(groups, np.repeat(outcomes.mean(), len(groups)), len(groups) - 1, noise)


def compute_linearity_p(degrees: Sequence[float], groups: Groups, noise: Noise) -> float:
    """p of means on a straight line: the F test of lack of fit (Fisher 1922; Draper and Smith 1998, section 2.1)."""
    x = np.repeat(degrees, [len(group) for group in groups])
    slope, intercept = np.polyfit(x, np.concatenate(groups), 1)
    return _compute_p(groups, intercept + slope * np.asarray(degrees), len(groups) - 2, noise)


def _inspect(view: View, cells: pl.DataFrame) -> DegreeNumbers:
    noise = estimate_noise(view)
    groups = {int(key["degree"]): get_column(seeds) for key, seeds in split_cells(cells, "degree")}
    if len(groups) < 2:
        raise ValueError(f"a comparison of degrees needs 2 degrees, got {len(groups)}: run more")
    means = {degree: float(outcomes.mean()) for degree, outcomes in groups.items()}
    worst, best = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    numbers: DegreeNumbers = {
        "degrees": len(groups),
        "p": compute_equality_p(list(groups.values()), noise),
        "worst": worst,
        "best": best,
        "worst_mean": means[worst],
        "best_mean": means[best],
        "noise": noise.sd,
    }
    if len(groups) > 2:
        numbers["bend_p"] = compute_linearity_p([float(degree) for degree in groups], list(groups.values()), noise)
    return numbers


def _compute_p(groups: Groups, expected: Float[np.ndarray, "groups"], df: int, noise: Noise) -> float:
    squares = sum(len(group) * (group.mean() - mean) ** 2 for group, mean in zip(groups, expected, strict=True))
    return float(stats.f.sf(squares / df / noise.sd**2, df, noise.df))
