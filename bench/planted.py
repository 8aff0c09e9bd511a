"""Planted studies: grids as collect writes them, and scores a prompt, whose truth is known."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl

from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.metric_correlations import POSTERIOR

NAMES = (*POSTERIOR, "instruction_vendi", "response_vendi", "response_micro_coverage", "response_micro_evenness")


def planted_grid(
    slopes: dict[str, float] | None = None,
    *,
    noise: float = 0.01,
    degrees: tuple[int, ...] = (0, 2, 4, 6),
    seeds: int = 2,
    random: int = 8,
    length_effect: float = 0.0,
    length_slope: float = 0.0,
    seed: int = 0,
    **settings: Any,
) -> pl.DataFrame:
    """A valid table: bpb reduction = slope · diversity + length_effect · (length − 100) + noise.

    The length is 100 + length_slope · diversity, give or take 5. `settings` overrides columns of every row: another
    size, window, budget or provenance.
    """
    rng = np.random.default_rng(seed)
    slopes = dict.fromkeys(UNIT_STRATEGIES, 0.0) if slopes is None else slopes
    cells = [(name, degree, cell_seed) for name in slopes for degree in degrees for cell_seed in range(seeds)]
    cells += [("random", 0, cell_seed) for cell_seed in range(random)]
    rows = []
    for i, (strategy, degree, cell_seed) in enumerate(cells):
        diversity = degree / 6
        length = 100 + length_slope * diversity + rng.normal(0, 5)
        reduction = slopes.get(strategy, 0) * diversity + length_effect * (length - 100) + rng.normal(0, noise)
        rows.append(
            {
                "experiment": f"cell-{i:03d}-{settings.get('min_tokens', 0)}",
                "revision": "0123abc",
                "provenance": "one",
                "strategy": strategy,
                "match": "response-micro" if strategy == "length-matched" else strategy,
                "degree": degree,
                "size": 500,
                "seed": cell_seed,
                "slack": 1.5,
                "weights": "uniform",
                "budget": "rows",
                "min_tokens": 0,
                "max_tokens": 10_000,
                "lengths": "free",
                "peel_noise": 0.0,
                "prefilter": "random",
                "prefilter_share": 1.0,
                "bpb_reduction": reduction,
                "bpb_reduction_prompts_only_low": reduction - 0.02,
                "bpb_reduction_prompts_only_high": reduction + 0.02,
                "likelihood_win_rate": float(np.clip(0.5 + reduction, 0, 1)),
                "likelihood_win_rate_missing": 0,
                "opponent_bits_per_byte": 2.5,
                "mean_response_tokens": length,
                "trained_tokens": round(500 * length),
                "opponent_mean_response_tokens": 100.0,
                "opponent_trained_tokens": 50_000,
                "k": 10,
                "candidate_rows": 1000,
                "rows": 500,
                "units_covered": 10 + degree,
                "k_evenness": 0.5 + degree / 20 + rng.uniform(0, 0.01),
            }
            | {name: 1 + rng.uniform(0, 1) if "vendi" in name else rng.uniform(0, 1) for name in NAMES}
            | {"response_mean_tokens": length}
            | settings
        )
    return pl.DataFrame(rows).sort("experiment")


class PlantedStudy(NamedTuple):
    """One strategy's cells and then random's, all scored on the same prompts."""

    diversity: np.ndarray  # of the cells of the strategy
    level: np.ndarray  # of every cell on all prompts: what a bootstrap over prompts is about
    saved: np.ndarray  # bits, cells × prompts
    bytes: np.ndarray
    slope_here: float  # of other trainings on these prompts: what a t interval over cells is about

    @property
    def performance(self) -> np.ndarray:
        return np.asarray(self.saved.sum(axis=1) / self.bytes.sum())


def planted_study(
    rng: np.random.Generator, *, slope: float = 0.1, prompts: int = 200, degrees: int = 4, seeds: int = 2
) -> PlantedStudy:
    """Bits a byte saved = slope · diversity + noise of cells (sd .02), prompts (.3), their slopes (.1), and both (.1).

    Eight random cells of diversity 0; the prompts' lengths are log-normal.
    """
    diversity = np.repeat(np.linspace(0, 1, degrees), seeds)
    dialled = np.concatenate([diversity, np.zeros(8)])
    level, tilt = slope * dialled + rng.normal(0, 0.02, len(dialled)), rng.normal(0, 0.1, prompts)
    interaction = rng.normal(0, 0.1, (len(dialled), prompts))
    saved = level[:, None] + rng.normal(0, 0.3, prompts) + np.outer(dialled, tilt) + interaction
    size = np.round(np.exp(rng.normal(5, 0.7, prompts))) + 1
    return PlantedStudy(diversity, level, saved * size, size, slope + float(tilt @ size / size.sum()))
