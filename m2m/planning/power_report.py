"""Seed noise and a planned grid → lines that say which gain the grid shows, and which grid shows a gain."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import chdtri

from m2m.planning.power import (
    SEED_LIMIT,
    TARGET_POWER,
    FullGrid,
    compute_full_power,
    find_fresh_seeds,
    find_full_seeds,
    find_smallest_gain,
    simulate_staged_power,
)
from m2m.planning.seed_noise import SeedNoise
from m2m.planning.staging import Schedule

FIXED = "no number of seeds shows it with these prompts: take more prompts"
TOO_MANY = f"it takes {SEED_LIMIT} seeds a configuration or more"
ENDLESS_SEEDS = 10**9  # so many that the prompts' noise is all that is left


class PlannedGrid(NamedTuple):
    """The full grid, and the staged one with the same configurations."""

    full: FullGrid
    schedule: Schedule
    staged: bool  # which of them is planned

    @property
    def cells(self) -> int:
        """Of strategies, and random's that they are compared with."""
        return self.schedule.count_cells(self.full.configurations) if self.staged else self.full.cells


def describe_power(grid: PlannedGrid, noise: SeedNoise, source: str, unit: str) -> dict[str, str]:
    """The noise, and the smallest gain that the planned form of the grid and the other one show."""
    noises = f"{noise.sd:.4f} within seeds, {noise.seed_sd:.4f} of seeds, {noise.prompt_sd:.4f} of prompts"
    alternative = grid._replace(staged=not grid.staged)
    return {
        "noise": f"{noises} ({noise.df} degrees of freedom), from {source}",
        "smallest gain": _describe_gain(grid, noise, unit),
        f"with --{_name_form(alternative)}": _describe_gain(alternative, noise, unit),
    }


def describe_detection(grid: PlannedGrid, noise: SeedNoise, gain: float, unit: str) -> dict[str, str]:
    """The cheapest grid of each form that shows `gain` with 80 % power, the cheaper form first."""
    if gain <= 0:
        raise ValueError(f"--detect must be a gain above 0, got {gain}")
    number = grid.full.configurations
    staged = find_fresh_seeds(grid.schedule.keep, number, noise, gain)
    full = find_full_seeds(number, grid.full.tests, noise, gain)
    forms = []
    if staged:
        forms.append((staged.count_cells(number), f"staged with {len(staged.fresh)} fresh seeds"))
    if full:
        forms.append((full.cells, f"full with {full.seeds} seeds a configuration and of random"))
    texts = [f"{cells:,} cells, {words}" for cells, words in sorted(forms)]
    return {f"a gain of {gain:g}": f"{unit}, 80 % power: {'; '.join(texts) or _explain_limit(grid, noise, gain)}"}


def _explain_limit(grid: PlannedGrid, noise: SeedNoise, gain: float) -> str:
    """Why no grid that was tried shows `gain`: the prompts' noise hides it at any number of seeds, or it does not."""
    endless = grid.full._replace(seeds=ENDLESS_SEEDS, random_seeds=ENDLESS_SEEDS)
    return FIXED if compute_full_power(endless, noise, gain) < TARGET_POWER else TOO_MANY


def _describe_gain(grid: PlannedGrid, noise: SeedNoise, unit: str) -> str:
    """With the range that the noise's own 95 % interval gives."""
    levels = chdtri(noise.df, [0.025, 0.975])
    try:
        gain = _find_gain(grid, noise)
        low, high = (_find_gain(grid, noise.scale(float(np.sqrt(noise.df / level)))) for level in levels)
    except ValueError as error:
        return str(error)
    uncertainty = f"{low:.4f} to {high:.4f} as the noise is uncertain"
    return f"{gain:.4f} {unit} over random with 80 % power ({uncertainty}); {grid.cells:,} cells"


def _find_gain(grid: PlannedGrid, noise: SeedNoise) -> float:
    compute: Callable[[float], float] = partial(compute_full_power, grid.full, noise)
    if grid.staged:
        compute = partial(simulate_staged_power, grid.schedule, grid.full.configurations, noise)
    return find_smallest_gain(compute, noise)


def _name_form(grid: PlannedGrid) -> str:
    return "staged" if grid.staged else "full"
