"""Scores a prompt of every cell → how far a slope or a difference would move with other prompts."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from m2m.judging.scoring.prompt_bootstrap import DRAWS_AT_ONCE
from m2m.study.cells.rows import StudyRow, compute_or_explain
from m2m.study.cells.t_estimates import Estimate


class PromptScores(NamedTuple):
    """What each cell gets, and can get, on each prompt, both 0 without any: a cell is worth Σ score / Σ weight."""

    score: Float[np.ndarray, "cells prompts"]
    weight: Float[np.ndarray, "cells prompts"]


def arrange_scores(scores: pl.DataFrame, experiments: list[str]) -> PromptScores:
    """The matrices of `experiments`, in their order, from one outcome of schema Scores; prompts sorted by id.

    ValueError when no score is kept at all, or of one cell fewer than two.
    """
    some = scores.filter(pl.col("experiment").is_in(experiments))
    if some.is_empty():
        raise ValueError("no score a prompt is kept of this outcome: no interval over prompts")
    counts = some.group_by("experiment").len()
    if counts.height < len(set(experiments)) or counts["len"].min() == 1:
        raise ValueError(f"an interval over prompts needs at least 2 of them in each of the {len(experiments)} cells")
    wide = [some.pivot("experiment", index="id", values=of).sort("id").fill_null(0) for of in ("score", "weight")]
    return PromptScores(*(table.select(experiments).to_numpy().T for table in wide))


def resample_prompts(
    weights: Float[np.ndarray, "cells"], scores: PromptScores, rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval of Σ weight · performance for these very cells, had the prompts been others.

    A slope and a difference of means are such sums. The percentile bootstrap, prompts drawn whole, the same ones for
    every cell. It knows nothing of training noise, as the t interval knows nothing of prompts.
    """
    prompts = scores.score.shape[1]
    block = max(1, DRAWS_AT_ONCE // prompts)
    sums = []
    for size in [min(block, resamples - done) for done in range(0, resamples, block)]:
        counts = _counts(rng.integers(prompts, size=(size, prompts)))
        weighed = counts @ scores.weight.T
        some = weighed.all(axis=1)  # a draw without any prompt of some cell says nothing of it
        sums.append((counts @ scores.score.T)[some] / weighed[some] @ weights)
    low, high = np.quantile(np.concatenate(sums), [0.025, 0.975])
    return float(low), float(high)


def combine_intervals(known: Estimate, low: float, high: float) -> tuple[float, float]:
    """The 95 % interval for other trainings and other prompts: squared half-widths of `known` and `low` … `high` added.

    A little too wide: what is noise of one cell on one prompt is in both.
    """
    half = float(np.hypot(known.high - known.value, (high - low) / 2))
    return known.value - half, known.value + half


def _counts(drawn: Int[np.ndarray, "resamples prompts"]) -> Float[np.ndarray, "resamples prompts"]:
    """How often each prompt was drawn."""
    resamples, prompts = drawn.shape
    places = drawn + prompts * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=drawn.size).reshape(drawn.shape).astype(np.float64)


class PromptBootstrap(NamedTuple):
    """The scores of all cells on one outcome, as in schema Scores, and how often to resample their prompts."""

    scores: pl.DataFrame
    seed: int
    resamples: int

    def row(self, known: Estimate, weights: Float[np.ndarray, "cells"], experiments: list[str]) -> StudyRow:
        """How far `known`, the sum of weight · performance of `experiments`, goes beyond these prompts; or why not."""
        found = compute_or_explain(self._row, known, weights, experiments)
        return {"prompts_reason": found["reason"]} if "reason" in found else found

    def _row(self, known: Estimate, weights: Float[np.ndarray, "cells"], experiments: list[str]) -> StudyRow:
        scores, rng = arrange_scores(self.scores, experiments), np.random.default_rng(self.seed)
        low, high = resample_prompts(weights, scores, rng, self.resamples)
        both_low, both_high = combine_intervals(known, low, high)
        ends = {"prompts_only_low": low, "prompts_only_high": high, "both_low": both_low, "both_high": both_high}
        return {"prompts": scores.score.shape[1]} | ends
