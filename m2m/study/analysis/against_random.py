"""A view → the seed noise of random, and what every other configuration adds to random."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float
from scipy import stats

from m2m.schemas.study_numbers import MeanNumbers
from m2m.schemas.study_rows import (
    AgainstRandomNumbers,
    AgainstRandomRow,
    FloorNumbers,
    FloorRow,
    LevelNumbers,
    MatchedRow,
)
from m2m.study.analysis.contrasts import bound_simultaneously
from m2m.study.analysis.levels import PREFILTER, estimate_contrast
from m2m.study.analysis.view import View
from m2m.study.cells.cells import get_column, measure_shared_rows, split_cells
from m2m.study.cells.labels import CONFIGURATION
from m2m.study.cells.rows import compute_or_explain

IS_RANDOM = pl.col("strategy") == "random"
OUTSIDE_BY_CHANCE = 0.05  # of one further random cell


class NoiseFloor(NamedTuple):
    """Mean and standard deviation of the random cells, and the 95 % prediction interval of one further random cell."""

    mean: float
    sd: float
    low: float
    high: float


def summarize_random(view: View) -> list[FloorRow]:
    """The one row of a setting: the random cells' noise floor, and the cells that lie outside it."""
    return [{**view.place, **compute_or_explain(_summarize, view)}]


def compute_noise_floor(random: Float[np.ndarray, "cells"]) -> NoiseFloor:
    """Student's prediction interval, mean ± t · sd · √(1 + 1/n): one cell in twenty lies outside by chance."""
    n = len(random)
    if n < 2:
        raise ValueError(f"a noise floor needs at least 2 random cells, got {n}: run random with more seeds")
    mean, sd = float(random.mean()), float(random.std(ddof=1))
    half = float(stats.t.ppf(1 - OUTSIDE_BY_CHANCE / 2, n - 1)) * sd * float(np.sqrt(1 + 1 / n))
    return NoiseFloor(mean, sd, mean - half, mean + half)


def flag_outside(floor: NoiseFloor, outcomes: Float[np.ndarray, "cells"]) -> Bool[np.ndarray, "cells"]:
    """Which cells lie outside the floor, above or below."""
    return np.asarray((outcomes < floor.low) | (outcomes > floor.high))


def compare_with_random(view: View) -> list[AgainstRandomRow]:
    """One row a configuration: its level − that of random, within seeds where they are common.

    `low`, `high`, `p` know seeds and, where there are scores, prompts. The random cells are those of the
    same setting. Where it has none, those of another one that were judged against the very same opponent:
    `random_condition` says which. `all_low`, `all_high` hold for all rows of a setting together, so for the best too.
    """
    configurations = list(split_cells(view.cells.filter(~IS_RANDOM), *CONFIGURATION))
    randoms = find_randoms(view)
    rows: list[AgainstRandomRow] = []
    for configuration, cells in configurations:
        numbers = compute_or_explain(_compare_with_random, view, cells, randoms, len(configurations))
        rows.append(
            {
                **view.place,
                "strategy": configuration["strategy"],
                "match": configuration["match"],
                "degree": configuration["degree"],
                **_average(cells),
                **numbers,
            }
        )
    return rows


def compare_with_matched(view: View, strategy: str) -> list[MatchedRow]:
    """One row a degree: `strategy`'s mean − that of the random cells matched to its response lengths."""
    rows: list[MatchedRow] = []
    all_matched = view.select_strategy("length-matched").filter(pl.col("match") == strategy)
    for key, cells in split_cells(view.select_strategy(strategy), "degree"):
        matched = all_matched.filter(pl.col("degree") == key["degree"])
        if matched.height:
            numbers = compute_or_explain(_compare_with_matched, view, cells, matched)
            degree: int = key["degree"]
            rows.append({**view.place, "strategy": strategy, "degree": degree, **_average(cells), **numbers})
    return rows


def find_randoms(view: View) -> pl.DataFrame:
    """The random cells of the view's setting; where it has none, those of another one with the very same opponent.

    Random rows among all stand for no random rows among those that a prefilter keeps.
    """
    randoms = view.cells.filter(IS_RANDOM)
    opponents = view.cells["opponent_bits_per_byte"].unique().to_list()
    if randoms.height or len(opponents) != 1 or opponents[0] is None:
        return randoms
    same_pool = view.all_cells.join(view.cells.select(PREFILTER).unique(), on=PREFILTER, how="semi", nulls_equal=True)
    comparable = same_pool.filter(
        IS_RANDOM, pl.col("size") == view.size, pl.col("opponent_bits_per_byte") == opponents[0]
    )
    largest = comparable.group_by("condition").len().sort(["len", "condition"], descending=[True, False])
    return comparable.join(largest.head(1), on="condition", how="semi", maintain_order="left")


def _summarize(view: View) -> FloorNumbers:
    randoms, judged = view.cells.filter(IS_RANDOM), view.cells.filter(~IS_RANDOM)
    floor = compute_noise_floor(get_column(randoms))
    outside = judged.filter(pl.Series(flag_outside(floor, get_column(judged)), dtype=pl.Boolean))
    return {
        "mean": floor.mean,
        "sd": floor.sd,
        "low": floor.low,
        "high": floor.high,
        "cells": randoms.height,
        "judged": judged.height,
        "outside": outside["experiment"].sort().to_list(),
    }


def _compare_with_random(
    view: View, cells: pl.DataFrame, randoms: pl.DataFrame, configurations: int
) -> AgainstRandomNumbers:
    if randoms.is_empty():
        raise ValueError("there is no random cell of this size and opponent: run random")
    return {
        "random_condition": randoms["condition"][0],
        "random_response_tokens": _mean(randoms, "mean_response_tokens"),
        **_subtract(view, cells, randoms, configurations),
    }


def _compare_with_matched(view: View, cells: pl.DataFrame, matched: pl.DataFrame) -> LevelNumbers:
    return _subtract(view, cells, matched, 1)


def _subtract(view: View, cells: pl.DataFrame, baseline: pl.DataFrame, configurations: int) -> LevelNumbers:
    levels = view.levels
    base = levels.find_level(baseline)
    difference, prompts = estimate_contrast(
        levels, levels.weights[levels.find_level(cells)] - levels.weights[base], view.prompts
    )
    low, high = bound_simultaneously(difference, configurations)
    shared, is_measured = measure_shared_rows(cells)
    return {
        **difference.to_numbers(),
        "all_low": low,
        "all_high": high,
        "pooled_sd": levels.noise.sd,
        "noise_df": levels.noise.df,
        "seed_correlation": levels.correlation,
        **({"no_blocks": levels.no_blocks} if levels.no_blocks else {}),
        "against_cells": levels.count_cells(base),
        "against_mean": float(get_column(baseline).mean()),
        "shared_rows": shared,
        **({"overlap_measured": True} if is_measured else {}),
        **prompts,
    }


def _average(cells: pl.DataFrame) -> MeanNumbers:
    return {
        "cells": cells.height,
        "mean": float(get_column(cells).mean()),
        "mean_response_tokens": _mean(cells, "mean_response_tokens"),
        "trained_tokens": _mean(cells, "trained_tokens"),
    }


def _mean(cells: pl.DataFrame, name: str) -> float:
    return float(get_column(cells, name).mean())
