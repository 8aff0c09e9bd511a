"""Seed noise and a grid → the probability that it shows a gain over random, and the smallest gain that it shows."""

from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import brentq
from scipy.special import nctdtr, ndtri, stdtr, stdtrit  # scipy.stats takes a third of a second more

from m2m.planning.seed_noise import ALPHA, SeedNoise
from m2m.planning.staging import Schedule

TARGET_POWER = 0.8
SIMULATIONS, SIMULATION_SEED = 2000, 1  # simulated: the share of those that find a gain is right to 2 points
SEED_LIMIT = 400


class FullGrid(NamedTuple):
    """Every configuration with `seeds` seeds, `tests` comparisons in one family, and random with `random_seeds`."""

    configurations: int
    seeds: int
    random_seeds: int
    tests: int

    @property
    def cells(self) -> int:
        """Of strategies and random."""
        return self.configurations * self.seeds + self.random_seeds


def compute_full_power(grid: FullGrid, noise: SeedNoise, gain: float) -> float:
    """The probability that Holm's first step calls a configuration with `gain` better than random.

    Noncentral t, with the analysis' degrees of freedom where prompts are part of the noise.
    """
    cells = grid.configurations * grid.seeds + grid.random_seeds
    df = cells - grid.configurations - max(grid.seeds, grid.random_seeds)
    if df < 1 or min(grid.seeds, grid.random_seeds) < 1:
        return 0.0
    variance = _compute_seed_variance(grid, noise)
    prompts = noise.compute_prompt_variance(grid.seeds, grid.random_seeds)
    total, df_all = variance + prompts, float(_combine_df(variance, df, prompts, noise.prompt_groups))
    critical = -stdtrit(df_all, ALPHA / 2 / grid.tests)
    reach = min(gain / np.sqrt(total), 2 * critical + 20)  # the power is above 0.95 there; further out nctdtr gives NaN
    return float(1 - nctdtr(df_all, reach, critical))


def _compute_seed_variance(grid: FullGrid, noise: SeedNoise) -> float:
    """Of a configuration − random, by least squares that know the seeds' share.

    The random cells of the configuration's seeds are compared within seeds; the further ones share no seed with it.
    The two means of random are weighted so that the variance is least.
    """
    shared = min(grid.seeds, grid.random_seeds)
    within, further = noise.sd**2 / shared, grid.random_seeds - shared
    alone = noise.sd**2 / grid.seeds
    if further == 0:
        return alone + within
    apart = noise.seed_sd**2 / shared + (noise.seed_sd**2 + noise.sd**2) / further
    return alone + within * apart / (within + apart)


def _combine_df(
    variance: float | Float[np.ndarray, "studies 1"],
    df: int,
    prompts: float | Float[np.ndarray, "studies tests"],
    prompt_groups: float,
) -> Float[np.ndarray, "*studies_tests"]:
    """Of the seeds' variance with `df` and the prompts' with groups − 1, together (Satterthwaite 1946)."""
    return np.asarray((variance + prompts) ** 2 / (variance**2 / df + prompts**2 / (prompt_groups - 1)))


def simulate_staged_power(schedule: Schedule, configurations: int, noise: SeedNoise, gain: float) -> float:
    """The share of simulated studies whose confirmation calls a configuration with `gain` better than random.

    One configuration has the gain, all others are as good as random: the hardest case for the choice. The prompts are
    those of all rungs: what they favour by chance, they favour in the confirmation too.
    """
    rng = np.random.default_rng(SIMULATION_SEED)
    truth = _draw_truth(configurations, noise, gain, rng)
    survivors = _choose(schedule.keep, truth, noise.sd, rng)
    return float(_confirm(len(schedule.fresh), truth, survivors, noise, rng).mean())


def widen_prompts(configurations: int, survivor_count: int) -> float:
    """The factor of the prompts' standard error in a confirmation: by them `survivor_count` were chosen of all.

    Fresh seeds have no part in the choice, the prompts have: so their part of the interval has to hold for all
    configurations at once (Bonferroni), the seeds' part for the survivors.

    >>> round(widen_prompts(55, 2), 2), widen_prompts(3, 3)
    (1.48, 1.0)
    """
    levels = ALPHA / 2 / np.array([configurations, survivor_count])
    return float(np.divide(*ndtri(levels)))


def find_smallest_gain(compute_power: Callable[[float], float], noise: SeedNoise) -> float:
    """The gain that is shown with 80 % power. ValueError where no gain of a hundred standard deviations is."""
    limit = 100 * (noise.sd + noise.prompt_sd)
    if compute_power(limit) < TARGET_POWER:
        raise ValueError("this grid shows no gain, however large: give a configuration two seeds and random two")
    return float(brentq(lambda gain: compute_power(gain) - TARGET_POWER, 0.0, limit, xtol=limit * 1e-5))


def find_full_seeds(configurations: int, tests: int, noise: SeedNoise, gain: float) -> FullGrid | None:
    """The smallest full grid that shows `gain` with 80 % power: as many seeds of random as of a configuration."""
    grids = (FullGrid(configurations, seeds, seeds, tests) for seeds in range(2, SEED_LIMIT))
    return next((grid for grid in grids if compute_full_power(grid, noise, gain) >= TARGET_POWER), None)


def find_fresh_seeds(keep: tuple[int, ...], configurations: int, noise: SeedNoise, gain: float) -> Schedule | None:
    """The smallest staged grid with these rungs that shows `gain` with 80 % power; None where the choice loses it."""
    rng = np.random.default_rng(SIMULATION_SEED)
    truth = _draw_truth(configurations, noise, gain, rng)
    survivors = _choose(keep, truth, noise.sd, rng)

    def is_enough(seeds: int) -> bool:
        return (
            float(_confirm(seeds, truth, survivors, noise, np.random.default_rng(SIMULATION_SEED)).mean())
            >= TARGET_POWER
        )

    if not is_enough(SEED_LIMIT):
        return None
    seeds = bisect_left(range(SEED_LIMIT), 1, lo=2, key=is_enough)
    return Schedule(keep, tuple(range(101, 101 + seeds)))


def _draw_truth(
    configurations: int, noise: SeedNoise, gain: float, rng: np.random.Generator
) -> Float[np.ndarray, "studies configurations"]:
    """Each configuration's gain on the prompts that there are; over all prompts only the first one has any."""
    truth = rng.normal(0.0, noise.prompt_sd, size=(SIMULATIONS, configurations))
    truth[:, 0] += gain
    return truth


def _choose(
    keep: tuple[int, ...], truth: Float[np.ndarray, "studies configurations"], sd: float, rng: np.random.Generator
) -> Int[np.ndarray, "studies survivors"]:
    """The places of the configurations that the rungs keep."""
    places = np.tile(np.arange(truth.shape[1]), (len(truth), 1))
    totals = np.zeros_like(truth)
    for number in keep:
        totals += np.take_along_axis(truth, places, axis=1) + rng.normal(0.0, sd, size=totals.shape)
        best = np.argpartition(-totals, min(number, totals.shape[1]) - 1, axis=1)[:, :number]
        places, totals = (np.take_along_axis(table, best, axis=1) for table in (places, totals))
    return places


def _confirm(
    seeds: int,
    truth: Float[np.ndarray, "studies configurations"],
    survivors: Int[np.ndarray, "studies survivors"],
    noise: SeedNoise,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "studies"]:
    """Whether configuration 0 is significantly better than random: seeds as blocks, Holm over the survivors."""
    survivor_count = survivors.shape[1]
    df = survivor_count * (seeds - 1)
    mean_sd = noise.sd / np.sqrt(seeds)
    variance = 2 * mean_sd**2 * rng.chisquare(df, size=(len(truth), 1)) / df
    prompts = widen_prompts(truth.shape[1], survivor_count) ** 2 * noise.compute_prompt_variance(seeds, seeds)
    means = np.take_along_axis(truth, survivors, axis=1) + rng.normal(0.0, mean_sd, size=survivors.shape)
    gains = means - rng.normal(0.0, mean_sd, size=(len(truth), 1))
    estimated = prompts * _draw_spread(noise.prompt_groups, survivors.shape, rng)
    df_all = _combine_df(variance, df, estimated, noise.prompt_groups)
    p = 2 * stdtr(df_all, -np.abs(gains) / np.sqrt(variance + estimated))
    return np.asarray((_reject_by_holm(p) & (gains > 0) & (survivors == 0)).any(axis=1))


def _draw_spread(
    prompt_groups: float, shape: tuple[int, ...], rng: np.random.Generator
) -> Float[np.ndarray, "studies tests"]:
    """What a variance over so many groups of prompts is estimated as, where it is 1."""
    if np.isinf(prompt_groups):
        return np.ones(shape)
    return np.asarray(rng.chisquare(prompt_groups - 1, size=shape) / (prompt_groups - 1))


def _reject_by_holm(p: Float[np.ndarray, "studies tests"]) -> Bool[np.ndarray, "studies tests"]:
    order = np.argsort(p, axis=1)
    levels = ALPHA / np.arange(p.shape[1], 0, -1)
    passes = np.minimum.accumulate(np.take_along_axis(p, order, axis=1) < levels, axis=1)
    rejected = np.zeros_like(passes)
    np.put_along_axis(rejected, order, passes, axis=1)
    return rejected
