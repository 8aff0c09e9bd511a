"""Scores of every cell on each prompt → how far a slope or a difference would move with other prompts."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from m2m.schemas.study_numbers import PromptNumbers
from m2m.study.cells.t_estimates import Estimate

COUNTS_AT_ONCE = 1 << 20  # numbers in memory, resamples × prompts: 8 MiB


class PromptScores(NamedTuple):
    """Each cell's score and weight on each prompt, both 0 where it has none; its outcome is Σ score / Σ weight."""

    score: Float[np.ndarray, "cells prompts"]
    weight: Float[np.ndarray, "cells prompts"]


class PromptBootstrap(NamedTuple):
    """The scores of all cells on one outcome, as in schema Scores, and how often to resample their prompts."""

    scores: pl.DataFrame
    seed: int
    resamples: int

    def compute_interval(
        self, estimate: Estimate, weights: Float[np.ndarray, "cells"], experiments: list[str]
    ) -> PromptNumbers:
        """The intervals over prompts of `estimate`, which is Σ weight · outcome of `experiments`; or why not."""
        try:
            scores = arrange_scores(self.scores, experiments)
        except ValueError as reason:
            return {"prompts_reason": str(reason)}
        low, high = resample_prompts(weights, scores, np.random.default_rng(self.seed), self.resamples)
        both_low, both_high = combine_intervals(estimate, low, high)
        return {
            "prompts": scores.score.shape[1],
            "prompts_only_low": low,
            "prompts_only_high": high,
            "both_low": both_low,
            "both_high": both_high,
        }


def arrange_scores(scores: pl.DataFrame, experiments: list[str]) -> PromptScores:
    """The matrices of `experiments`, in their order, from one outcome of schema Scores; prompts sorted by id.

    ValueError when no score is kept at all, or of one cell fewer than two.
    """
    rows = scores.filter(pl.col("experiment").is_in(experiments))
    if rows.is_empty():
        raise ValueError("no interval over prompts: this outcome has no scores by prompt")
    counts = rows.group_by("experiment").len()
    if counts.height < len(set(experiments)) or counts["len"].min() == 1:
        raise ValueError(f"an interval over prompts needs at least 2 prompts in each of the {len(experiments)} cells")
    tables = [rows.pivot("experiment", index="id", values=name).sort("id").fill_null(0) for name in ("score", "weight")]
    return PromptScores(*(table.select(experiments).to_numpy().T for table in tables))


def resample_prompts(
    weights: Float[np.ndarray, "cells"], scores: PromptScores, rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval of Σ weight · outcome for these very cells on other prompts.

    A slope and a difference of means are such sums. The percentile bootstrap, prompts drawn whole, the same ones for
    every cell. It does not include seed noise, as the t interval does not include the choice of prompts.
    """
    prompts = scores.score.shape[1]
    block = max(1, COUNTS_AT_ONCE // prompts)
    sums = []
    for size in [min(block, resamples - start) for start in range(0, resamples, block)]:
        counts = _count_draws(rng.integers(prompts, size=(size, prompts)))
        totals = counts @ scores.weight.T
        usable = totals.all(axis=1)  # a draw that misses all prompts of a cell gives it no outcome
        sums.append((counts @ scores.score.T)[usable] / totals[usable] @ weights)
    low, high = np.quantile(np.concatenate(sums), [0.025, 0.975])
    return float(low), float(high)


def combine_intervals(estimate: Estimate, low: float, high: float) -> tuple[float, float]:
    """The 95 % interval for other trainings and other prompts: the squared half-widths of both intervals are added.

    A little too wide: what is noise of one cell on one prompt is in both.
    """
    half = float(np.hypot(estimate.high - estimate.value, (high - low) / 2))
    return estimate.value - half, estimate.value + half


def _count_draws(prompts_drawn: Int[np.ndarray, "resamples prompts"]) -> Float[np.ndarray, "resamples prompts"]:
    """How often each prompt was drawn."""
    resamples, prompts = prompts_drawn.shape
    places = prompts_drawn + prompts * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=prompts_drawn.size).reshape(prompts_drawn.shape).astype(np.float64)
