"""Chooses the subsets that a person compares: random, every degree of the strategy, and the one that is taken."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, Protocol

import numpy as np
import polars as pl
from jaxtyping import Int64

from m2m.arrays import entropy_bits
from m2m.selection.arm import Arm, ArmSettings, PoolRows, UnitDial, build_unit_dial, choose_arm
from m2m.selection.degrees import DEGREES
from m2m.selection.left_out import LeftOut
from m2m.selection.shards import describe_shards
from m2m.strategies import get_strategy, require_match
from m2m.text.tokenize import Tokenized

RANDOM = "random"
NO_LIMIT = 2**31 - 1  # tokens; no response is that long


class ChoiceTables(Protocol):
    """Where strategies find what they choose by."""

    def build_units(self, strategy: str) -> pl.DataFrame:
        """The units of a strategy (schema Units)."""

    def build_choices(self, strategy: str) -> pl.DataFrame:
        """What a baseline chooses by (schema Tokens, Vectors or Units)."""


class Comparison(NamedTuple):
    """The arms by name, in the order of the table; `chosen` is the name of the one that is taken."""

    pool: PoolRows
    arms: Mapping[str, Arm]
    chosen: str
    own: UnitDial
    """the units of the strategy; of a baseline, one unit that all rows carry"""
    match: UnitDial | None
    settings: ArmSettings
    left_out: LeftOut

    @property
    def subset(self) -> Arm:
        """The arm that is taken."""
        return self.arms[self.chosen]


class ArmFigures(NamedTuple):
    """One line of the table."""

    name: str
    rows: int
    tokens_per_row: float
    entropy: float
    """of the response tokens, in bits"""
    types: int
    """units of the strategy that the rows carry; without units, token types of the responses"""
    shared: int
    """rows that are in the random subset too"""


def compare_arms(pool: PoolRows, left_out: LeftOut, tables: ChoiceTables, settings: ArmSettings) -> Comparison:
    """The random subset, that of each degree where the strategy has degrees, and that of `settings`."""
    entry = get_strategy(settings.strategy, "--strategy")
    if settings.degree not in DEGREES:
        raise ValueError(f"--degree must be in 0..6, got {settings.degree}")
    if entry.follows_match:
        require_match(settings.match, "--match")
    pool = pool._replace(left_out=left_out.rows, scores=left_out.scores)
    everything = build_unit_dial(RANDOM, None, pool, settings)
    arms = {RANDOM: choose_arm(pool, replace(settings, strategy=RANDOM), everything)}
    own, match, choices = everything, None, None
    if entry.has_units:
        own = build_unit_dial(settings.strategy, tables.build_units(settings.strategy), pool, settings)
    elif settings.strategy != RANDOM:
        choices = tables.build_choices(settings.strategy)
    if entry.follows_match:
        matched_units = tables.build_units(settings.match) if get_strategy(settings.match).has_units else None
        match = build_unit_dial(settings.match, matched_units, pool, settings)
    if not entry.has_degree:
        if sentence := describe_shards(
            settings.strategy, pool.price(settings)[pool.flag_inside(settings)], settings.size
        ):
            print(sentence, file=sys.stderr, flush=True)
        if settings.strategy != RANDOM:
            arms[settings.strategy] = choose_arm(pool, settings, own, match, choices)
        return Comparison(pool, arms, settings.strategy, own, match, settings, left_out)
    for degree in DEGREES:
        arms[f"degree {degree}"] = choose_arm(pool, replace(settings, degree=degree), own, match, choices)
    return Comparison(pool, arms, f"degree {settings.degree}", own, match, settings, left_out)


def tabulate_arms(comparison: Comparison, responses: Tokenized) -> list[ArmFigures]:
    """The figures of every arm, in order."""
    has_units = get_strategy(comparison.settings.strategy).has_units
    at_random = set(comparison.arms[RANDOM].selection.draw.rows.tolist())
    table = []
    for name, arm in comparison.arms.items():
        rows = arm.selection.draw.rows
        chosen = np.zeros(len(comparison.pool.ids), np.bool_)
        chosen[rows] = True
        counts = _count_types(responses, chosen)
        covered = comparison.own.incidence.counts(chosen) if has_units else counts
        figures = len(rows), float(comparison.pool.tokens[rows].mean()), entropy_bits(counts)
        table.append(ArmFigures(name, *figures, int(np.count_nonzero(covered)), len(at_random & set(rows.tolist()))))
    return table


def explain_rows(comparison: Comparison, name: str) -> pl.Series:
    """For each row of the pool why the arm `name` does not have it; null where it has it."""
    arm, settings, pool = comparison.arms[name], comparison.settings, comparison.pool
    chosen = np.zeros(len(pool.ids), np.bool_)
    chosen[arm.selection.draw.rows] = True
    inside = pool.flag_inside(settings)
    strategy = str(arm.summary["strategy"])
    limit = f" and at most {settings.max_tokens}" if settings.max_tokens < NO_LIMIT else ""
    window = f"its response is outside the length window, at least {settings.min_tokens}{limit} tokens"
    left_over = "its units were served by other rows"
    if get_strategy(strategy).has_units:
        has_unit = np.diff(comparison.own.incidence.row_start) > 0
        is_candidate = arm.selection.chain.candidates(arm.selection.state)
    else:
        has_unit = is_candidate = np.ones(len(chosen), np.bool_)
        left_over = f"not drawn by {strategy}"
    flags = pl.DataFrame({"chosen": chosen, "inside": inside, "unit": has_unit, "candidate": is_candidate})
    flags = flags.with_columns(left_out=comparison.left_out.reasons)
    reason = (
        pl.when("chosen")
        .then(None)
        .when(pl.col("left_out").is_not_null())
        .then("left_out")
        .when(~pl.col("inside"))
        .then(pl.lit(window))
        .when(~pl.col("unit"))
        .then(pl.lit(f"carries no unit of {strategy}"))
        .when(~pl.col("candidate"))
        .then(pl.lit(f"a unit of it was pruned at degree {arm.summary['degree']}"))
        .otherwise(pl.lit(left_over))
    )
    return flags.select(reason.cast(pl.String).alias("reason"))["reason"]


def _count_types(responses: Tokenized, chosen: np.ndarray) -> Int64[np.ndarray, "types"]:
    is_token_of_chosen = np.repeat(chosen, np.diff(responses.offsets))
    return np.bincount(responses.tokens[is_token_of_chosen], minlength=len(responses.names))
