"""A view → whether the degrees of a strategy differ, and whether they do so on a straight line or by a cliff."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Float

from m2m.schemas.study_numbers import DegreeNumbers
from m2m.schemas.study_rows import ShapeRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.levels import Levels, compute_joint_p
from m2m.study.analysis.view import View
from m2m.study.cells.cells import get_column, measure_shared_rows, split_cells
from m2m.study.cells.rows import compute_or_explain

Regressors = Float[np.ndarray, "rows columns"]


def inspect_degrees(view: View) -> list[ShapeRow]:
    """One row a strategy of the six, judged by the noise of all replicated cells of its size, and of prompts.

    `p` is that of equal degrees, `bend_p` that of a straight line through them. `worst` and `best` are degrees.
    """
    rows: list[ShapeRow] = []
    for key, cells in split_cells(view.cells.filter(pl.col("strategy").is_in(UNIT_STRATEGIES)), "strategy"):
        strategy: str = key["strategy"]
        rows.append({**view.place, "strategy": strategy, **compute_or_explain(_inspect, view, cells)})
    return rows


def subtract_fit(levels: Levels, numbers: Sequence[int], regressors: Regressors) -> Regressors:
    """Sums of cells that are 0 where the levels `numbers` are a combination of the columns of `regressors`.

    Their joint test is that of lack of fit (Fisher 1922; Draper and Smith 1998, section 2.1); of a constant, the one
    of equal means.
    """
    complement = np.linalg.svd(regressors, full_matrices=True)[0][:, regressors.shape[1] :]
    return np.asarray(complement.T @ levels.weights[list(numbers)])


def _inspect(view: View, cells: pl.DataFrame) -> DegreeNumbers:
    levels = view.levels
    seeds = {int(key["degree"]): rows for key, rows in split_cells(cells, "degree")}
    if len(seeds) < 2:
        raise ValueError(f"a comparison of degrees needs 2 degrees, got {len(seeds)}: run more")
    means = {degree: float(get_column(rows).mean()) for degree, rows in seeds.items()}
    worst, best = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
    degrees, places = np.array(list(seeds), float), [levels.find_level(rows) for rows in seeds.values()]
    shared, is_measured = measure_shared_rows(seeds[min(seeds)])
    numbers: DegreeNumbers = {
        "degrees": len(seeds),
        "p": compute_joint_p(levels, subtract_fit(levels, places, np.ones((len(seeds), 1))), view.prompts),
        "worst": worst,
        "best": best,
        "worst_mean": means[worst],
        "best_mean": means[best],
        "noise": levels.noise.sd,
        "shared_rows": shared,
        **({"overlap_measured": True} if is_measured else {}),
    }
    if len(seeds) > 2:
        line, step = (np.column_stack([np.ones(len(seeds)), column]) for column in (degrees, degrees > degrees.min()))
        numbers["bend_p"] = compute_joint_p(levels, subtract_fit(levels, places, line), view.prompts)
        numbers["step_p"] = compute_joint_p(levels, subtract_fit(levels, places, step), view.prompts)
    return numbers
