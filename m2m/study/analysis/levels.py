"""Cells of one size → the level of each configuration, with the seed as a block, and the seed noise."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int
from scipy import stats

from m2m.schemas.study_numbers import PromptNumbers
from m2m.strategies import NO_DEGREE
from m2m.study.analysis.contrasts import Noise, pool_noise
from m2m.study.analysis.other_prompts import PromptDraws
from m2m.study.cells.cells import get_column
from m2m.study.cells.correlation import Column
from m2m.study.cells.labels import CONFIGURATION
from m2m.study.cells.t_estimates import Estimate, make_estimate

ROW_CHOICE = ("budget", "min_tokens", "max_tokens")  # what rows a strategy without degrees depends on
PREFILTER = ("prefilter", "prefilter_share")  # and what those of all strategies do
SEED_CORRELATIONS = np.arange(20) / 20  # of two cells of one seed; a finer grid changes no second digit
ENOUGH_DF = 10  # degrees of freedom below which the correlation of a seed's cells is guesswork
CellWeights = Float[np.ndarray, "rows cells"]
SeedNumbers = Int[np.ndarray, "cells"]


class Levels(NamedTuple):
    """A configuration's level is Σ weight · outcome over `cells`; the outcomes vary by seed with `covariance`."""

    cells: pl.DataFrame  # with the column `level`: the number of the row in `weights`
    names: list[str]  # of the levels
    weights: Float[np.ndarray, "levels cells"]
    covariance: Float[np.ndarray, "cells cells"]
    noise: Noise  # of cells of one configuration, within their seeds
    correlation: float  # of two cells of one seed
    no_blocks: str  # why the seed is no block here, or nothing

    @property
    def outcomes(self) -> Column:
        """The outcome of each cell."""
        return get_column(self.cells)

    @property
    def experiments(self) -> list[str]:
        """The name of each cell."""
        return self.cells["experiment"].to_list()

    def find_level(self, cells: pl.DataFrame) -> int:
        """The level of the `cells` of one configuration."""
        return self.names.index(_name_levels(cells.head(1))["name"][0])

    def count_cells(self, level: int) -> int:
        """Cells of this level."""
        return self.cells.filter(pl.col("level") == level).height


def fit_levels(cells: pl.DataFrame) -> Levels:
    """outcome = level of the configuration + effect of the seed + noise, over cells of one size with `worth`.

    Seeds are a random block whose share of the variance is estimated by REML (Patterson and Thompson 1971), on a grid.
    The degrees of freedom are those of fixed blocks, so rather too few. Where few seeds are common, cells of one seed
    count as independent, and `no_blocks` says so. Weights, slack and lengths do nothing to a strategy without degrees:
    of cells that differ in them alone one counts. ValueError without replicates or without noise.
    """
    cells_once = _name_levels(cells).unique(["name", "seed"], keep="first", maintain_order=True)
    names, level = np.unique(cells_once["name"].to_numpy(), return_inverse=True)
    cells_once = cells_once.with_columns(level=pl.Series(level, dtype=pl.Int64))
    outcomes, members = get_column(cells_once), np.eye(len(names))[level]
    plain = pool_noise([outcomes[level == number] for number in range(len(names))])
    _, seed = np.unique(cells_once["seed"].to_numpy(), return_inverse=True)
    no_blocks = _refuse_blocks(members, seed, plain.df)
    correlation = 0.0 if no_blocks else _estimate_correlation(outcomes, members, seed)
    weights = np.linalg.pinv(_decorrelate(members.T, seed, correlation).T) @ _decorrelate(
        np.eye(len(seed)), seed, correlation
    )
    residuals = _decorrelate(outcomes - members @ (weights @ outcomes), seed, correlation)
    variance = float(residuals @ residuals) / plain.df
    same_seed = np.where(seed[:, None] == seed, correlation, 0.0)
    np.fill_diagonal(same_seed, 1.0)
    df = plain.df if no_blocks else plain.df - (len(set(seed)) - 1)
    return Levels(
        cells_once,
        names.tolist(),
        weights,
        variance * same_seed,
        Noise(float(np.sqrt(variance * (1 - correlation))), df),
        correlation,
        no_blocks,
    )


def estimate_contrast(levels: Levels, weights: Column, prompts: PromptDraws) -> tuple[Estimate, PromptNumbers]:
    """Σ weight · outcome over all cells of `levels` with the noise of seeds, and of prompts where there are scores.

    ValueError where cells with a weight lack scores that other cells have.
    """
    return prompts.add_prompts(estimate_by_seeds(levels, weights), weights, levels.experiments)


def estimate_by_seeds(levels: Levels, weights: Column) -> Estimate:
    """The same sum with the noise of seeds alone."""
    se = float(np.sqrt(weights @ levels.covariance @ weights))
    return make_estimate(float(weights @ levels.outcomes), se, levels.noise.df)


def compute_joint_p(levels: Levels, weights: CellWeights, prompts: PromptDraws) -> float:
    """p of all these sums being 0: Wald's F with the noise of seeds, and of prompts where there are scores.

    Without prompts and blocks it is the one-way analysis of variance, or the test of lack of fit. The covariance over
    prompts is estimated, so with it the statistic is scaled as Hotelling's T² (1931).
    ValueError where cells with a weight lack scores that other cells have.
    """
    values, seeds = weights @ levels.outcomes, weights @ levels.covariance @ weights.T
    prompt_noise, df = prompts.covary(weights, levels.experiments), float(levels.noise.df)
    if prompt_noise is not None:
        total = np.trace(seeds + prompt_noise)
        df = total**2 / (np.trace(seeds) ** 2 / df + np.trace(prompt_noise) ** 2 / (prompts.groups - 1))
        last_df = max(1.0, df - len(values) + 1)
        seeds, df = (seeds + prompt_noise) * df / last_df, last_df
    return float(stats.f.sf(values @ np.linalg.solve(seeds, values) / len(values), len(values), df))


def decorrelate_seeds(columns: CellWeights | Column, seeds: Iterable[int], correlation: float) -> CellWeights | Column:
    """The cells in the last axis of `columns`, so that those of one seed, correlated alike, become independent."""
    return _decorrelate(columns, np.unique(list(seeds), return_inverse=True)[1], correlation)


def _name_levels(cells: pl.DataFrame) -> pl.DataFrame:
    """With `name`: the configuration and its setting, or for a strategy without degrees what its rows depend on."""
    setting = (
        pl.when(pl.col("strategy").is_in(NO_DEGREE)).then(pl.format("{}|{}|{}", *ROW_CHOICE)).otherwise("condition")
    )
    return cells.with_columns(name=pl.format("{}|{}|{}|{}|{}|{}", setting, *CONFIGURATION, *PREFILTER))


def _refuse_blocks(members: CellWeights, seed: SeedNumbers, df: int) -> str:
    """Why the seed is no block: seeds that do not join all cells, or of which too many stand alone."""
    indicators = np.column_stack([members, np.eye(seed.max() + 1)[seed]])
    within = len(seed) - int(np.linalg.matrix_rank(indicators))
    if within > df - seed.max():
        return "configurations without any common seed are compared as if seeds did not matter"
    if within < ENOUGH_DF or 2 * within < df:
        return "too few seeds are common to compare within seeds"
    return ""


def _estimate_correlation(outcomes: Column, members: CellWeights, seed: SeedNumbers) -> float:
    """The correlation of a seed's cells with the largest restricted likelihood."""
    counts = np.bincount(seed)
    likelihoods = []
    for correlation in SEED_CORRELATIONS:
        x, y = _decorrelate(members.T, seed, correlation).T, _decorrelate(outcomes, seed, correlation)
        q, r = np.linalg.qr(x)
        residuals = y - q @ (q.T @ y)
        spread = (
            np.log1p(-correlation) * (len(seed) - len(counts)) + np.log(1 - correlation + correlation * counts).sum()
        )
        df = len(seed) - members.shape[1]
        likelihoods.append(-spread - 2 * np.log(np.abs(np.diag(r))).sum() - df * np.log(residuals @ residuals))
    return float(SEED_CORRELATIONS[int(np.argmax(np.round(likelihoods, 6)))])


def _decorrelate(columns: CellWeights | Column, seed: SeedNumbers, correlation: float) -> CellWeights | Column:
    counts = np.bincount(seed)
    to_seeds = np.eye(len(counts))[seed] / counts
    means = (columns @ to_seeds)[..., seed]
    return np.asarray(
        (columns - means) / np.sqrt(1 - correlation) + means / np.sqrt(1 - correlation + correlation * counts[seed])
    )
