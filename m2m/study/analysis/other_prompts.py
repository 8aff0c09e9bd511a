"""Scores of every cell on each prompt → how far a slope or a difference would move with other prompts."""

from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from m2m.schemas.study_numbers import PromptNumbers
from m2m.study.cells.t_estimates import Estimate, add_variance

COUNTS_AT_ONCE = 1 << 20  # numbers in memory, resamples × groups: 8 MiB
ENOUGH_GROUPS = 10  # below it a bootstrap over groups is too narrow: prompts are drawn one by one


class PromptScores(NamedTuple):
    """Each cell's score and weight in each group of prompts, 0 where it has none; its outcome is Σ score / Σ weight."""

    score: Float[np.ndarray, "cells groups"]
    weight: Float[np.ndarray, "cells groups"]


class PromptDraws(NamedTuple):
    """Every cell's outcome on resampled prompts, the same ones for all cells, or the reason why there are none."""

    outcomes: Float[np.ndarray, "resamples cells"]  # nan where a draw misses all prompts of a cell
    places: dict[str, int]
    prompts: int
    groups: int  # what was drawn: groups of prompts, or prompts
    reason: str
    widening: float = 1.0  # factor of the noise that is added; an interval over prompts alone has none

    def add_prompts(
        self, estimate: Estimate, weights: Float[np.ndarray, "cells"], experiments: list[str]
    ) -> tuple[Estimate, PromptNumbers]:
        """`estimate`, which is Σ weight · outcome of `experiments`, with the noise of prompts added; and that alone.

        Unchanged, with the reason, where no cell has scores. ValueError where other cells have them and these lack
        them: with less noise than the others, they would pass for surer.
        """
        if self.reason:
            return estimate, {"prompts_reason": self.reason}
        draws = self._weigh(weights[None], experiments)
        low, high = np.quantile(draws, [0.025, 0.975])
        return add_variance(estimate, self._covary(draws)[0, 0], self.groups - 1), {
            "prompts": self.prompts,
            "prompt_groups": self.groups,
            "prompts_only_low": float(low),
            "prompts_only_high": float(high),
            "seeds_only_low": estimate.low,
            "seeds_only_high": estimate.high,
        }

    def covary(
        self, weights: Float[np.ndarray, "sums cells"], experiments: list[str]
    ) -> Float[np.ndarray, "sums sums"] | None:
        """The covariance over prompts of sums Σ weight · outcome; None where no cell has scores.

        ValueError where other cells have them and these lack them.
        """
        return None if self.reason else self._covary(self._weigh(weights, experiments))

    def _weigh(
        self, weights: Float[np.ndarray, "sums cells"], experiments: list[str]
    ) -> Float[np.ndarray, "resamples sums"]:
        weighted = [name for name, column in zip(experiments, weights.T, strict=True) if np.abs(column).max() > 1e-12]
        if missing := [name for name in weighted if name not in self.places]:
            cells = missing[0] if len(missing) == 1 else f"{missing[0]} and {len(missing) - 1} more"
            raise ValueError(f"{cells} must have 2 prompts with scores: run python -m m2m collect, which prints why")
        columns = self.outcomes[:, [self.places[name] for name in weighted]]
        has_weight = np.array([name in set(weighted) for name in experiments])
        draws = columns @ weights[:, has_weight].T
        return np.asarray(draws[np.isfinite(draws).all(axis=1)])

    def _covary(self, draws: Float[np.ndarray, "resamples sums"]) -> Float[np.ndarray, "sums sums"]:
        correction = self.groups / (self.groups - 1)  # a bootstrap's variance is too small
        return np.atleast_2d(np.cov(draws.T)) * correction * self.widening**2


def draw_prompts(scores: pl.DataFrame, seed: int, resamples: int) -> PromptDraws:
    """Resamples the prompts of one outcome of schema Scores: whole groups where there are ten, else one by one.

    Sources, packages and benchmark categories are groups: prompts of one resemble each other.
    """
    counts = scores.group_by("experiment").len().filter(pl.col("len") > 1)
    names = counts["experiment"].sort().to_list()
    if not names:
        reason = (
            "an interval over prompts needs at least 2 prompts in a cell"
            if scores.height
            else ("no interval over prompts: this outcome has no scores by prompt")
        )
        return PromptDraws(np.empty((0, 0)), {}, 0, 0, reason)
    by = "group" if "group" in scores.columns and scores["group"].n_unique() >= ENOUGH_GROUPS else "id"
    arranged = arrange_scores(scores, names, by)
    outcomes = resample_outcomes(arranged, np.random.default_rng(seed), resamples)
    places = {name: place for place, name in enumerate(names)}
    return PromptDraws(outcomes, places, scores["id"].n_unique(), arranged.score.shape[1], "")


def arrange_scores(scores: pl.DataFrame, experiments: list[str], by: str = "id") -> PromptScores:
    """The matrices of `experiments`, in their order, from one outcome of schema Scores; groups of `by`, sorted."""
    rows = scores.filter(pl.col("experiment").is_in(experiments))
    sums = rows.group_by("experiment", by).agg(pl.col("score", "weight").sum()).sort("experiment", by)
    tables = [sums.pivot("experiment", index=by, values=name).sort(by).fill_null(0) for name in ("score", "weight")]
    return PromptScores(*(table.select(experiments).to_numpy().T for table in tables))


def resample_outcomes(
    scores: PromptScores, rng: np.random.Generator, resamples: int
) -> Float[np.ndarray, "resamples cells"]:
    """The outcome of these very cells on other prompts, drawn with replacement, the same ones for every cell."""
    groups = scores.score.shape[1]
    block = max(1, COUNTS_AT_ONCE // groups)
    blocks = []
    for size in [min(block, resamples - start) for start in range(0, resamples, block)]:
        counts = _count_draws(rng.integers(groups, size=(size, groups)))
        totals = counts @ scores.weight.T
        blocks.append(np.divide(counts @ scores.score.T, totals, out=np.full_like(totals, np.nan), where=totals > 0))
    return np.concatenate(blocks)


def _count_draws(groups_drawn: Int[np.ndarray, "resamples groups"]) -> Float[np.ndarray, "resamples groups"]:
    """How often each group was drawn."""
    resamples, groups = groups_drawn.shape
    places = groups_drawn + groups * np.arange(resamples)[:, None]
    return np.bincount(places.ravel(), minlength=groups_drawn.size).reshape(groups_drawn.shape).astype(np.float64)
