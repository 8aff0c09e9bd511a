"""Comparable cells → rows: the noise floor of random, and what every other kind of cell adds to random."""

import numpy as np
import polars as pl

from m2m.study.analysis.contrasts import Noise, bound_simultaneously, compare_means, pool_noise
from m2m.study.analysis.noise import compute_noise_floor, flag_outside
from m2m.study.analysis.other_prompts import PromptBootstrap
from m2m.study.cells.cells import NO_DEGREE, SETTING, get_column, select_outcome, split_cells
from m2m.study.cells.labels import CONFIGURATION
from m2m.study.cells.rows import StudyRow, add_holm, compute_or_explain

IS_RANDOM = pl.col("strategy") == "random"
ROW_CHOICE = ("budget", "min_tokens", "max_tokens")  # which rows such a strategy chooses from, and how many


def summarize_random(cells: pl.DataFrame, outcome: str) -> list[StudyRow]:
    """One row a setting: the random replicates' floor, and the cells that lie outside it."""
    known = select_outcome(cells, outcome)
    return [{"outcome": outcome} | key | compute_or_explain(_floor, part) for key, part in split_cells(known, *SETTING)]


def estimate_noise(cells: pl.DataFrame, size: int) -> Noise:
    """The noise of training: pooled over all replicated cells of one size, whatever their condition.

    Weights and slack do nothing to a strategy without degrees: of its cells that differ in them alone one counts.
    """
    same = cells.filter(pl.col("size") == size)
    dialled = ~pl.col("strategy").is_in(NO_DEGREE)
    others = same.filter(~dialled).unique([*CONFIGURATION, "seed", *ROW_CHOICE], keep="first", maintain_order=True)
    return pool_noise(
        [
            get_column(part)
            for _, part in split_cells(pl.concat([same.filter(dialled), others]), "condition", *CONFIGURATION)
        ]
    )


def compare_with_random(cells: pl.DataFrame, outcome: str, prompts: PromptBootstrap) -> list[StudyRow]:
    """One row a setting and kind of cell: its mean − the random mean; Holm's p over the rows of a setting.

    The random cells are those of the same setting. Where it has none, those of another one that were judged against
    the very same opponent: `random_condition` says which. `all_low`, `all_high` hold for all rows of a setting
    together, so for the best of them too.
    """
    known = select_outcome(cells, outcome)
    rows = []
    for setting, part in split_cells(known, *SETTING):
        kinds = list(split_cells(part.filter(~IS_RANDOM), *CONFIGURATION))
        basis = compute_or_explain(_basis, known, part)
        for kind, some in kinds:
            found = basis if "reason" in basis else _row(some, basis["randoms"], basis["noise"], len(kinds), prompts)
            rows.append({"outcome": outcome} | setting | kind | _means(some) | found)
    return add_holm(rows, *SETTING)


def compare_with_matched(cells: pl.DataFrame, outcome: str, strategy: str) -> list[StudyRow]:
    """One row a setting and degree: `strategy`'s mean − that of the random cells matched to its response lengths."""
    known, rows = select_outcome(cells, outcome), []
    for key, part in split_cells(known, *SETTING, "degree"):
        ours = part.filter(pl.col("strategy") == strategy)
        matched = part.filter(pl.col("strategy") == "stratified-length", pl.col("match") == strategy)
        if ours.height and matched.height:
            found = compute_or_explain(_matched, known, ours, matched)
            rows.append({"outcome": outcome, "strategy": strategy} | key | _means(ours) | found)
    return add_holm(rows, *SETTING)


def _floor(part: pl.DataFrame) -> StudyRow:
    floor, others = compute_noise_floor(get_column(part.filter(IS_RANDOM))), part.filter(~IS_RANDOM)
    beyond = others.filter(pl.Series(flag_outside(floor, get_column(others)), dtype=pl.Boolean))
    return floor._asdict() | {"judged": others.height, "outside": beyond["experiment"].sort().to_list()}


def _basis(known: pl.DataFrame, part: pl.DataFrame) -> StudyRow:
    """What a setting's cells are compared with, and by what noise."""
    randoms, size = _randoms(known, part), part["size"][0]
    if randoms.is_empty():
        raise ValueError("there is no random cell of this size and opponent to compare with: run random")
    return {"randoms": randoms, "noise": estimate_noise(known, size)}


def _randoms(known: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    own = part.filter(IS_RANDOM)
    opponents = part["opponent_bits_per_byte"].unique().to_list()
    if own.height or len(opponents) != 1 or opponents[0] is None:
        return own
    same = known.filter(IS_RANDOM, pl.col("size") == part["size"][0], pl.col("opponent_bits_per_byte") == opponents[0])
    largest = same.group_by("condition").len().sort(["len", "condition"], descending=[True, False])
    return same.join(largest.head(1), on="condition", how="semi", maintain_order="left")


def _row(some: pl.DataFrame, randoms: pl.DataFrame, spread: Noise, kinds: int, prompts: PromptBootstrap) -> StudyRow:
    row = {
        "random_condition": randoms["condition"][0],
        "random_response_tokens": _mean(randoms, "mean_response_tokens"),
    }
    return row | _difference(some, randoms, spread, kinds) | _reach(some, randoms, spread, prompts)


def _matched(known: pl.DataFrame, some: pl.DataFrame, others: pl.DataFrame) -> StudyRow:
    return _difference(some, others, estimate_noise(known, some["size"][0]))


def _difference(some: pl.DataFrame, others: pl.DataFrame, spread: Noise, kinds: int = 1) -> StudyRow:
    found = compare_means(get_column(some), get_column(others), spread)
    low, high = bound_simultaneously(found, kinds)
    against = {"against_cells": others.height, "against_mean": float(get_column(others).mean())}
    return found._asdict() | {"all_low": low, "all_high": high, "pooled_sd": spread.sd} | against


def _reach(some: pl.DataFrame, randoms: pl.DataFrame, spread: Noise, prompts: PromptBootstrap) -> StudyRow:
    weights = np.repeat([1 / some.height, -1 / randoms.height], [some.height, randoms.height])
    found = compare_means(get_column(some), get_column(randoms), spread)
    return prompts.row(found, weights, some["experiment"].to_list() + randoms["experiment"].to_list())


def _means(some: pl.DataFrame) -> StudyRow:
    lengths = {name: _mean(some, name) for name in ("mean_response_tokens", "trained_tokens")}
    return {"cells": some.height, "mean": float(get_column(some).mean())} | lengths


def _mean(some: pl.DataFrame, name: str) -> float:
    return float(get_column(some, name).mean())
