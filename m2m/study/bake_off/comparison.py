"""The bake-off's cells → what every selector adds to random, with intervals that hold for all of them together."""

from collections.abc import Iterable
from typing import NamedTuple, TypedDict

import numpy as np
import polars as pl
from jaxtyping import Float
from scipy.linalg import block_diag

from m2m.study.analysis.against_random import IS_RANDOM, compute_noise_floor
from m2m.study.analysis.levels import PREFILTER, Levels, fit_levels
from m2m.study.analysis.other_prompts import PromptDraws, draw_prompts
from m2m.study.bake_off.simultaneous import draw_maxima
from m2m.study.cells.cells import (
    SETTING,
    describe_condition,
    get_column,
    select_comparable,
    select_outcome,
    split_cells,
)
from m2m.study.cells.labels import CONFIGURATION
from m2m.study.cells.rows import round_digits
from m2m.study.cells.t_estimates import make_estimate

EQUAL = {"rows": "equal rows", "tokens": "equal tokens"}
FROM_ALL_ROWS = pl.col("prefilter") == "random"  # no row left out as unlike a person's examples


class RandomRow(TypedDict):
    """Random at one budget: its seed noise, and what it trains on."""

    budget: str
    size: int
    cells: int
    mean: float
    sd: float  # of cells that differ by seed
    half_width: float  # of the 95 % prediction interval of one further random cell
    mean_response_tokens: float
    trained_tokens: float


class Prefiltered(TypedDict, total=False):
    """What a selector chose among, where it is the rows nearest to a person's examples."""

    prefilter: str
    prefilter_share: float


class SelectorRow(Prefiltered):
    """A selector at one budget."""

    budget: str
    size: int
    strategy: str
    match: str
    degree: int
    cells: int
    value: float  # its level − random's
    se: float
    low: float  # 95 %, of this row alone
    high: float
    all_low: float  # 95 %, of all rows together
    all_high: float
    p_all: float  # adjusted for all rows
    mean_response_tokens: float
    trained_tokens: float


class BakeOff(TypedDict):
    """The record of a bake-off."""

    outcome: str
    provenance: str
    cells: int
    critical: float  # value ± critical · se holds for all rows together
    df: int
    prompts: int  # what the noise of prompts was drawn from; 0 where there are no scores by prompt
    random: list[RandomRow]
    selectors: list[SelectorRow]


class BudgetCells(NamedTuple):
    """The cells of one budget, their levels, and the selectors' contrasts with random."""

    cells: pl.DataFrame
    baseline: pl.DataFrame  # the cells of random
    classes: list[Levels]  # of random, and of selectors; each class has a noise of its own
    configurations: list[pl.DataFrame]  # the cells of each selector
    weights: Float[np.ndarray, "selectors cells"]  # of the cells of all classes, one class after another

    @property
    def values(self) -> Float[np.ndarray, "selectors"]:
        """What each selector adds to random."""
        return np.asarray(self.weights @ np.concatenate([levels.outcomes for levels in self.classes]))

    @property
    def experiments(self) -> list[str]:
        """The name of each cell, in the order of the weights."""
        return [name for levels in self.classes for name in levels.experiments]

    def covary_seeds(self) -> list[Float[np.ndarray, "selectors selectors"]]:
        """The covariance of the contrasts by the seeds of each class."""
        ends = np.cumsum([len(levels.experiments) for levels in self.classes])[:-1]
        parts = np.split(self.weights, ends, axis=1)
        return [part @ levels.covariance @ part.T for part, levels in zip(parts, self.classes, strict=True)]


def choose_baseline(grid: pl.DataFrame) -> pl.Expr:
    """Random among all rows; in a grid whose cells all have a prefilter, random among those that it keeps."""
    return IS_RANDOM & FROM_ALL_ROWS if grid.filter(FROM_ALL_ROWS).height else IS_RANDOM


def compare_selectors(
    grid: pl.DataFrame,
    scores: pl.DataFrame,
    outcome: str,
    seed: int,
    resamples: int,
    baseline: pl.Expr = IS_RANDOM & FROM_ALL_ROWS,
) -> BakeOff:
    """The bake-off of `grid` (schema Grid); `scores` (schema Scores) may be empty: then prompts have no noise.

    A selector is a strategy, match, degree and prefilter at one budget; `baseline` are the cells that stand in the
    place of random. The family are all selectors at all budgets: one max-t
    quantile of their joint covariance, of seeds and prompts, with the fewest degrees of freedom among them. Seed noise
    is estimated apart for random, for selectors whose rows differ by seed, and for those whose rows do not.
    ValueError without random, without another selector or without replicates, for two settings of one budget, and
    where some cells alone have scores.
    """
    cells = select_comparable(grid)
    measured = select_outcome(cells, outcome)
    same_rows = measured.with_columns(condition=describe_condition())  # a prefilter is part of the selector
    budgets = [_compare_budget(setting, baseline) for _, setting in split_cells(same_rows, *SETTING)]
    _require_comparison(budgets, outcome)
    own_scores = scores.join(cells, on="experiment", how="semi")
    prompts = draw_prompts(own_scores.filter(pl.col("outcome") == outcome), seed, resamples)
    values = np.concatenate([budget.values for budget in budgets])
    by_seeds = block_diag(*(sum(budget.covary_seeds()) for budget in budgets))
    by_prompts = _covary_prompts(budgets, prompts)
    df = _count_df(budgets, by_prompts, prompts.groups)
    covariance = by_seeds + by_prompts
    se = np.sqrt(np.diag(covariance))
    law = draw_maxima(covariance / np.outer(se, se), int(df.min()), np.random.default_rng(seed))
    rows: list[SelectorRow] = []
    for (budget, configuration), value, error, freedom in zip(_list_selectors(budgets), values, se, df, strict=True):
        alone = make_estimate(float(value), float(error), int(freedom))
        half = law.critical * alone.se
        rows.append(
            {
                "budget": budget.cells["budget"][0],
                "size": budget.cells["size"][0],
                "strategy": configuration["strategy"][0],
                "match": configuration["match"][0],
                "degree": configuration["degree"][0],
                **_list_prefilter(configuration),
                "cells": configuration.height,
                "value": alone.value,
                "se": alone.se,
                "low": alone.low,
                "high": alone.high,
                "all_low": alone.value - half,
                "all_high": alone.value + half,
                "p_all": law.adjust(alone.value / alone.se),
                "mean_response_tokens": float(get_column(configuration, "mean_response_tokens").mean()),
                "trained_tokens": float(get_column(configuration, "trained_tokens").mean()),
            }
        )
    record: BakeOff = {
        "outcome": outcome,
        "provenance": cells["provenance"][0],
        "cells": measured.height,
        "critical": law.critical,
        "df": int(df.min()),
        "prompts": prompts.groups if by_prompts.any() else 0,
        "random": [_summarize_random(budget) for budget in budgets],
        "selectors": rows,
    }
    return round_digits(record)


def _compare_budget(cells: pl.DataFrame, baseline: pl.Expr) -> BudgetCells:
    budget, randoms = cells["budget"][0], cells.filter(baseline)
    if randoms.height < 2:
        raise ValueError(f"a bake-off needs 2 random cells at equal {budget}, got {randoms.height}: run more seeds")
    classes = [fit_levels(group) for group in _split_by_noise(cells, baseline)]
    configurations = [group for _, group in split_cells(cells.filter(~baseline), *CONFIGURATION, *PREFILTER)]
    base = _weigh_level(classes, randoms)
    rows = [_weigh_level(classes, group) - base for group in configurations]
    return BudgetCells(cells, randoms, classes, configurations, np.array(rows).reshape(len(rows), len(base)))


def _split_by_noise(cells: pl.DataFrame, baseline: pl.Expr) -> list[pl.DataFrame]:
    """Random; then selectors whose rows differ by seed, and those whose rows do not: they train on equal tokens."""
    same_rows = (pl.len() > 1) & (pl.col("trained_tokens").n_unique() == 1)
    marked = cells.with_columns(
        noise=pl.when(baseline).then(0).when(same_rows.over(*CONFIGURATION, *PREFILTER)).then(2).otherwise(1)
    )
    return [group for _, group in split_cells(marked, "noise")]


def _weigh_level(classes: list[Levels], configuration: pl.DataFrame) -> Float[np.ndarray, "cells"]:
    """The weights of the level of one configuration's cells, over the cells of all classes."""
    name = configuration["experiment"][0]
    return np.concatenate(
        [
            levels.weights[levels.find_level(configuration)]
            if name in levels.experiments
            else np.zeros(len(levels.experiments))
            for levels in classes
        ]
    )


def _require_comparison(budgets: list[BudgetCells], outcome: str) -> None:
    names = [budget.cells["budget"][0] for budget in budgets]
    if len(set(names)) < len(names):
        settings = "; ".join(f"{budget.cells['size'][0]} {budget.cells['condition'][0]}" for budget in budgets)
        raise ValueError(f"a bake-off has one setting of rows and one of tokens, got {settings}: use a folder for each")
    if not any(budget.configurations for budget in budgets):
        raise ValueError(f"a bake-off needs a selector beside random whose cells have {outcome}, got none: run it")


def _list_selectors(budgets: list[BudgetCells]) -> Iterable[tuple[BudgetCells, pl.DataFrame]]:
    return ((budget, configuration) for budget in budgets for configuration in budget.configurations)


def _covary_prompts(budgets: list[BudgetCells], prompts: PromptDraws) -> Float[np.ndarray, "selectors selectors"]:
    """The covariance of all contrasts over prompts, which all budgets share; 0 where there are no scores."""
    weights = block_diag(*(budget.weights for budget in budgets))
    experiments = [name for budget in budgets for name in budget.experiments]
    covariance = prompts.covary(weights, experiments)
    return np.zeros((len(weights), len(weights))) if covariance is None else covariance


def _count_df(
    budgets: list[BudgetCells], by_prompts: Float[np.ndarray, "selectors selectors"], groups: int
) -> Float[np.ndarray, "selectors"]:
    """Of each contrast, over the noise of its classes of cells and of prompts (Satterthwaite 1946), rounded down."""
    variance = np.diag(by_prompts).copy()
    squares = variance**2 / max(groups - 1, 1)
    start = 0
    for budget in budgets:
        rows = slice(start, start + len(budget.weights))
        for levels, covariance in zip(budget.classes, budget.covary_seeds(), strict=True):
            variance[rows] += np.diag(covariance)
            squares[rows] += np.diag(covariance) ** 2 / levels.noise.df
        start = rows.stop
    return np.asarray(np.maximum(1.0, np.floor(variance**2 / squares + 1e-9)))


def _list_prefilter(configuration: pl.DataFrame) -> Prefiltered:
    """The prefilter of a selector's cells; nothing where all rows were candidates."""
    name, share = configuration["prefilter"][0], configuration["prefilter_share"][0]
    return {} if name == "random" else {"prefilter": name, "prefilter_share": share}


def _summarize_random(budget: BudgetCells) -> RandomRow:
    cells, randoms = budget.cells, budget.baseline
    floor = compute_noise_floor(get_column(randoms))
    return {
        "budget": cells["budget"][0],
        "size": cells["size"][0],
        "cells": randoms.height,
        "mean": floor.mean,
        "sd": floor.sd,
        "half_width": (floor.high - floor.low) / 2,
        "mean_response_tokens": float(get_column(randoms, "mean_response_tokens").mean()),
        "trained_tokens": float(get_column(randoms, "trained_tokens").mean()),
    }
