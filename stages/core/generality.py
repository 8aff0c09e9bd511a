"""Scores a prompt of every cell → how far a slope or a difference would move with other prompts."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from stages.core.intervals import ratio_interval
from stages.core.reasons import Row, or_reason
from stages.core.student import Estimate


class PromptScores(NamedTuple):
    """Bits that each cell saves on each prompt that all of them have, and the prompts' bytes."""

    saved: Float[np.ndarray, "cells prompts"]
    bytes: Int[np.ndarray, "prompts"]


def prompt_scores(scores: pl.DataFrame, experiments: list[str]) -> PromptScores:
    """The matrix of `experiments`, in their order, from a table as in schema Scores; prompts sorted by id.

    A prompt that one of them lacks is left out. ValueError when fewer than two are left.
    """
    some = scores.filter(pl.col("experiment").is_in(experiments))
    wide = some.pivot("experiment", index=["id", "bytes"], values="saved").drop_nulls().sort("id")
    if wide.height < 2 or not set(experiments) <= set(wide.columns):
        raise ValueError(
            f"an interval over prompts needs at least 2 of them with scores of all {len(experiments)} cells"
        )
    return PromptScores(wide.select(experiments).to_numpy().T, wide["bytes"].to_numpy())


def over_prompts(
    weights: Float[np.ndarray, "cells"], scores: PromptScores, rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """The 95 % interval of Σ weight · performance for these very cells, had the prompts been others.

    A slope and a difference of means are such sums, and a performance is Σ saved / Σ bytes: so their bootstrap over
    prompts is that of one ratio. It knows nothing of training noise, as the t interval knows nothing of prompts.
    """
    return ratio_interval(weights @ scores.saved, scores.bytes, rng, resamples)


def over_both(known: Estimate, low: float, high: float) -> tuple[float, float]:
    """The 95 % interval for other trainings and other prompts: squared half-widths of `known` and `low` … `high` added.

    A little too wide: what is noise of one cell on one prompt is in both.
    """
    half = float(np.hypot(known.high - known.value, (high - low) / 2))
    return known.value - half, known.value + half


class Prompts(NamedTuple):
    """The scores of all cells as in schema Scores, and how often to resample their prompts."""

    scores: pl.DataFrame
    seed: int
    resamples: int

    def wins(self) -> "Prompts":
        """Those of the likelihood's win rate: who saves bits on a prompt has won it, and every prompt counts once."""
        won = (pl.col("saved").sign() + 1) / 2
        return self._replace(scores=self.scores.with_columns(saved=won, bytes=pl.lit(1, pl.Int32)))

    def row(self, known: Estimate, weights: Float[np.ndarray, "cells"], experiments: list[str]) -> Row:
        """How far `known`, the sum of weight · performance of `experiments`, goes beyond these prompts; or why not."""
        found = or_reason(self._row, known, weights, experiments)
        return {"prompts_reason": found["reason"]} if "reason" in found else found

    def _row(self, known: Estimate, weights: Float[np.ndarray, "cells"], experiments: list[str]) -> Row:
        scores, rng = prompt_scores(self.scores, experiments), np.random.default_rng(self.seed)
        low, high = over_prompts(weights, scores, rng, self.resamples)
        both_low, both_high = over_both(known, low, high)
        ends = {"prompts_only_low": low, "prompts_only_high": high, "both_low": both_low, "both_high": both_high}
        return {"prompts": len(scores.bytes)} | ends
