"""Comparable cells → rows: the noise floor of random, and what every other kind of cell adds to random."""

import numpy as np
import polars as pl

from m2m.study.analysis.contrasts import Noise, mean_difference, pooled, simultaneous
from m2m.study.analysis.noise import noise_floor, outside
from m2m.study.analysis.other_prompts import Prompts
from m2m.study.cells.cells import NO_DEGREE, SETTING, column, parts, with_worth
from m2m.study.cells.labels import KIND
from m2m.study.cells.rows import Row, or_reason, with_holm

RANDOM = pl.col("strategy") == "random"
ROWS = ("budget", "min_tokens", "max_tokens")  # which rows such a strategy chooses from, and how many


def floor_rows(cells: pl.DataFrame, outcome: str) -> list[Row]:
    """One row a setting: the random replicates' floor, and the cells that lie outside it."""
    known = with_worth(cells, outcome)
    return [{"outcome": outcome} | key | or_reason(_floor, part) for key, part in parts(known, *SETTING)]


def noise(cells: pl.DataFrame, size: int) -> Noise:
    """The noise of training: pooled over all replicated cells of one size, whatever their condition.

    Weights and slack do nothing to a strategy without degrees: of its cells that differ in them alone one counts.
    """
    same = cells.filter(pl.col("size") == size)
    dialled = ~pl.col("strategy").is_in(NO_DEGREE)
    others = same.filter(~dialled).unique([*KIND, "seed", *ROWS], keep="first", maintain_order=True)
    return pooled([column(part) for _, part in parts(pl.concat([same.filter(dialled), others]), "condition", *KIND)])


def random_rows(cells: pl.DataFrame, outcome: str, prompts: Prompts) -> list[Row]:
    """One row a setting and kind of cell: its mean − the random mean; Holm's p over the rows of a setting.

    The random cells are those of the same setting. Where it has none, those of another one that were judged against
    the very same opponent: `random_condition` says which. `all_low`, `all_high` hold for all rows of a setting
    together, so for the best of them too.
    """
    known = with_worth(cells, outcome)
    rows = []
    for setting, part in parts(known, *SETTING):
        kinds = list(parts(part.filter(~RANDOM), *KIND))
        basis = or_reason(_basis, known, part)
        for kind, some in kinds:
            found = basis if "reason" in basis else _row(some, basis["randoms"], basis["noise"], len(kinds), prompts)
            rows.append({"outcome": outcome} | setting | kind | _means(some) | found)
    return with_holm(rows, *SETTING)


def matched_rows(cells: pl.DataFrame, outcome: str, strategy: str) -> list[Row]:
    """One row a setting and degree: `strategy`'s mean − that of the random cells matched to its response lengths."""
    known, rows = with_worth(cells, outcome), []
    for key, part in parts(known, *SETTING, "degree"):
        ours = part.filter(pl.col("strategy") == strategy)
        matched = part.filter(pl.col("strategy") == "length-matched", pl.col("match") == strategy)
        if ours.height and matched.height:
            found = or_reason(_matched, known, ours, matched)
            rows.append({"outcome": outcome, "strategy": strategy} | key | _means(ours) | found)
    return with_holm(rows, *SETTING)


def _floor(part: pl.DataFrame) -> Row:
    floor, others = noise_floor(column(part.filter(RANDOM))), part.filter(~RANDOM)
    beyond = others.filter(pl.Series(outside(floor, column(others)), dtype=pl.Boolean))
    return floor._asdict() | {"judged": others.height, "outside": beyond["experiment"].sort().to_list()}


def _basis(known: pl.DataFrame, part: pl.DataFrame) -> Row:
    """What a setting's cells are compared with, and by what noise."""
    randoms, size = _randoms(known, part), part["size"][0]
    if randoms.is_empty():
        raise ValueError("there is no random cell of this size and opponent to compare with: run random")
    return {"randoms": randoms, "noise": noise(known, size)}


def _randoms(known: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    own = part.filter(RANDOM)
    opponents = part["opponent_bits_per_byte"].unique().to_list()
    if own.height or len(opponents) != 1 or opponents[0] is None:
        return own
    same = known.filter(RANDOM, pl.col("size") == part["size"][0], pl.col("opponent_bits_per_byte") == opponents[0])
    largest = same.group_by("condition").len().sort(["len", "condition"], descending=[True, False])
    return same.join(largest.head(1), on="condition", how="semi", maintain_order="left")


def _row(some: pl.DataFrame, randoms: pl.DataFrame, spread: Noise, kinds: int, prompts: Prompts) -> Row:
    row = {
        "random_condition": randoms["condition"][0],
        "random_response_tokens": _mean(randoms, "mean_response_tokens"),
    }
    return row | _difference(some, randoms, spread, kinds) | _reach(some, randoms, spread, prompts)


def _matched(known: pl.DataFrame, some: pl.DataFrame, others: pl.DataFrame) -> Row:
    return _difference(some, others, noise(known, some["size"][0]))


def _difference(some: pl.DataFrame, others: pl.DataFrame, spread: Noise, kinds: int = 1) -> Row:
    found = mean_difference(column(some), column(others), spread)
    low, high = simultaneous(found, kinds)
    against = {"against_cells": others.height, "against_mean": float(column(others).mean())}
    return found._asdict() | {"all_low": low, "all_high": high, "pooled_sd": spread.sd} | against


def _reach(some: pl.DataFrame, randoms: pl.DataFrame, spread: Noise, prompts: Prompts) -> Row:
    weights = np.repeat([1 / some.height, -1 / randoms.height], [some.height, randoms.height])
    found = mean_difference(column(some), column(randoms), spread)
    return prompts.row(found, weights, some["experiment"].to_list() + randoms["experiment"].to_list())


def _means(some: pl.DataFrame) -> Row:
    lengths = {name: _mean(some, name) for name in ("mean_response_tokens", "trained_tokens")}
    return {"cells": some.height, "mean": float(column(some).mean())} | lengths


def _mean(some: pl.DataFrame, name: str) -> float:
    return float(column(some, name).mean())
