"""Levels of configurations with the seed as a block: statsmodels as oracle, what is no block, and the level kept."""

import numpy as np
import polars as pl
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from bench.planted import planted_grid
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.levels import decorrelate_seeds, estimate_contrast
from tests.planted import NO_SCORES, views

SIX = dict.fromkeys(UNIT_STRATEGIES, 0.0)


def add_seed_effects(grid: pl.DataFrame, sd: float, seed: int = 0) -> pl.DataFrame:
    effects = np.random.default_rng(seed).normal(0, sd, 20)
    return grid.with_columns(bpb_reduction=pl.col("bpb_reduction") + pl.Series(effects[grid["seed"].to_numpy()]))


def test_the_correlation_and_the_levels_are_those_of_a_mixed_model() -> None:
    [view] = views(add_seed_effects(planted_grid(SIX, seeds=4, degrees=(0, 3, 6)), 0.01, seed=3))
    levels = view.levels
    dummies = np.eye(len(levels.names))[levels.cells["level"].to_numpy()]
    oracle = MixedLM(100 * levels.outcomes, dummies, groups=levels.cells["seed"].to_numpy()).fit()
    between, within = float(oracle.cov_re[0, 0]), float(oracle.scale)
    assert levels.correlation == pytest.approx(between / (between + within), abs=0.03)
    assert levels.weights @ levels.outcomes == pytest.approx(oracle.fe_params / 100, abs=2e-4)
    assert levels.noise.sd == pytest.approx(np.sqrt(within) / 100, rel=0.05)


def test_a_difference_within_common_seeds_does_not_see_what_seeds_do() -> None:
    """Two configurations on the same seeds: their difference is that of the cells, pair by pair."""
    [view] = views(add_seed_effects(planted_grid(SIX, seeds=8, degrees=(0, 6)), 1.0))
    levels = view.levels
    first, second = (view.cells.filter(strategy="response-micro", degree=degree) for degree in (0, 6))
    weights = levels.weights[levels.find_level(second)] - levels.weights[levels.find_level(first)]
    estimate, _ = estimate_contrast(levels, weights, view.prompts)
    assert levels.correlation == 0.95 and levels.noise.sd < 0.3
    assert estimate.value == pytest.approx((second["worth"] - first["worth"]).mean())


def test_without_blocks_a_level_is_a_mean_and_the_reason_is_given() -> None:
    apart = planted_grid(SIX).with_columns(seed=pl.col("seed") + 100 * (pl.col("strategy") != "random"))
    [view] = views(apart)
    assert "without any common seed" in view.levels.no_blocks and view.levels.correlation == 0
    level = view.levels.find_level(view.cells.filter(strategy="random"))
    assert view.levels.weights[level] @ view.levels.outcomes == pytest.approx(
        float(view.cells.filter(strategy="random")["worth"].to_numpy().mean())
    )
    assert view.levels.noise.df == 24 + 7
    [few] = views(planted_grid({"response-micro": 0.0}))
    assert few.levels.no_blocks == "too few seeds are common to compare within seeds"
    assert views(planted_grid(SIX))[0].levels.no_blocks == ""


def test_whitened_cells_of_one_seed_are_independent() -> None:
    seeds = [1, 1, 1, 2, 2, 3]
    covariance = np.where(np.equal.outer(seeds, seeds), 0.3, 0.0) + 0.7 * np.eye(6)
    whitener = np.asarray(decorrelate_seeds(np.eye(6), seeds, 0.3))
    assert whitener @ covariance @ whitener.T == pytest.approx(np.eye(6))


@pytest.mark.parametrize("sd", [0.0, 0.01])
def test_one_difference_in_twenty_is_a_false_alarm_whatever_seeds_do(sd: float) -> None:
    alarms = []
    for seed in range(60):
        [view] = views(add_seed_effects(planted_grid(SIX, seed=seed), sd, seed), NO_SCORES)
        levels = view.levels
        random = levels.find_level(view.cells.filter(strategy="random"))
        alarms += [
            estimate_contrast(levels, row - levels.weights[random], view.prompts)[0].p < 0.05
            for level, row in enumerate(levels.weights)
            if level != random
        ]
    assert 0.025 < np.mean(alarms) < 0.075
