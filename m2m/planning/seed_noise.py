"""Replicated cells → how far an outcome goes astray: by a training's luck, by its seed's, and by the prompts'."""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

ALPHA = 0.05  # a comparison is significant below, two-sided, after Holm


class SeedNoise(NamedTuple):
    """Standard deviations of a cell's outcome about its configuration's mean."""

    sd: float  # of the cell, among cells of one seed
    seed_sd: float  # of the seed: what all cells of one seed share, such as the order of training
    df: int  # degrees of freedom of `sd`
    prompt_sd: float = 0.0  # of a configuration − random by the choice of prompts, whatever the number of seeds
    cell_prompt_sd: float = 0.0  # of a cell by the choice of prompts, beside its configuration's; `sd` has it too
    prompt_groups: float = math.inf  # of prompts, which an analysis resamples; inf: the prompts' noise is known exactly

    def scale(self, factor: float) -> "SeedNoise":
        """The noise if the trainings' parts of it were `factor` times as large."""
        return self._replace(sd=self.sd * factor, seed_sd=self.seed_sd * factor)

    def compute_prompt_variance(self, seeds: int, random_seeds: int) -> float:
        """Of a configuration − random, as a bootstrap over prompts sees it."""
        return self.prompt_sd**2 + self.cell_prompt_sd**2 * (1 / seeds + 1 / random_seeds)


def estimate_seed_noise(
    outcomes: Float[np.ndarray, "cells"], configurations: Int[np.ndarray, "cells"], seeds: Int[np.ndarray, "cells"]
) -> SeedNoise:
    """Least squares of outcome = configuration + seed + noise; the seeds' variance is what the noise leaves of all.

    ValueError where no configuration has two seeds, or no degree of freedom is left beside the seeds.
    """
    by_configuration = _mark_levels(configurations)
    design = np.hstack([by_configuration, _mark_levels(seeds)])
    total_sd, total_df = _measure_residuals(outcomes, by_configuration)
    sd, df = _measure_residuals(outcomes, design)
    if total_df < 1:
        raise ValueError("seed noise needs a configuration with two seeds, there is none. Run `m2m grid --pilot`.")
    if df < 1:
        raise ValueError(
            "seed noise needs two configurations that share two seeds, there are none. Run `m2m grid --pilot`."
        )
    if sd <= 1e-12 * float(np.abs(outcomes).max()):
        raise ValueError("all replicates are equal, so there is no seed noise: run more seeds or prompts.")
    return SeedNoise(sd, float(np.sqrt(max(0.0, total_sd**2 - sd**2))), df)


def estimate_prompt_noise(
    influences: Float[np.ndarray, "cells prompts"],
    configurations: Int[np.ndarray, "cells"],
    is_random: Bool[np.ndarray, "cells"],
) -> tuple[float, float]:
    """`prompt_sd` and `cell_prompt_sd` of SeedNoise: medians over the configurations with two seeds.

    `influences`: what each prompt adds to a cell's outcome about its mean, (score − outcome · weight) / Σ weight. The
    products of two seeds, each about random cells of its own, have in common what is the configuration's alone.
    ValueError below two random cells or two prompts, or without a configuration of two seeds.
    """
    if influences.shape[1] < 2:
        raise ValueError(f"noise of prompts needs two prompts or groups of them, got {influences.shape[1]}")
    randoms = influences[is_random]
    groups = [influences[(configurations == label) & ~is_random] for label in np.unique(configurations[~is_random])]
    pairs = [group for group in groups if len(group) > 1]
    if len(randoms) < 2 or not pairs:
        raise ValueError("noise of prompts needs two random cells and a configuration with two seeds")
    first, second = randoms[::2].mean(axis=0), randoms[1::2].mean(axis=0)
    shared = [float((group[0] - first) @ (group[1] - second)) for group in pairs]
    single = [float(((group - group.mean(axis=0)) ** 2).sum()) / (len(group) - 1) for group in pairs]
    return float(np.sqrt(max(0.0, np.median(shared)))), float(np.sqrt(np.median(single)))


def _mark_levels(labels: Int[np.ndarray, "cells"]) -> Float[np.ndarray, "cells levels"]:
    return np.asarray(labels[:, None] == np.unique(labels), dtype=float)


def _measure_residuals(
    outcomes: Float[np.ndarray, "cells"], columns: Float[np.ndarray, "cells columns"]
) -> tuple[float, int]:
    """Their standard deviation and degrees of freedom."""
    fitted, _, rank, _ = np.linalg.lstsq(columns, outcomes)
    df = len(outcomes) - int(rank)
    return float(np.sqrt(((outcomes - columns @ fitted) ** 2).sum() / max(df, 1))), df
