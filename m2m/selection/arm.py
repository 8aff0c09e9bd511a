"""Chooses the subset of one arm: the units of its strategy, or the rows of a baseline, from the pool's tables."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float64, Int64

from m2m.selection.baselines import CHOOSERS, BaselineInputs
from m2m.selection.degrees import group_equal_degrees
from m2m.selection.incidence import Incidence, build_incidence
from m2m.selection.length_strata import Strata, assign_strata
from m2m.selection.sample import Draw, Weights
from m2m.selection.select import (
    Dial,
    Selection,
    build_dial,
    describe_chain,
    describe_draw,
    explain_equal_degrees,
    replace_rows,
    select_at_degree,
)
from m2m.strategies import get_strategy, require_match

MOST_EXCESS = 0.05  # of a budget of tokens, which the last row may exceed


@dataclass(frozen=True)
class ArmSettings:
    """The block `subset` of params.yaml."""

    strategy: str
    match: str
    degree: int
    size: int
    seed: int
    slack: float
    weights: Weights
    budget: Literal["rows", "tokens"]
    min_tokens: int
    max_tokens: int
    lengths: Literal["free", "as-random"]
    peel_noise: float


class PoolRows(NamedTuple):
    """Every row of the pool, sorted by id, with the lengths of its response."""

    ids: pl.Series
    tokens: Int64[np.ndarray, "rows"]
    characters: Int64[np.ndarray, "rows"]
    left_out: Bool[np.ndarray, "rows"] | None = None
    """rows that take no part, whatever their length; None: all do"""
    scores: Float64[np.ndarray, "rows"] | None = None
    """a number a row, the higher the better, for baselines that choose by one; NaN where a row has none"""

    def flag_inside(self, settings: ArmSettings) -> Bool[np.ndarray, "rows"]:
        """The rows that take part: not left out, `min_tokens` … `max_tokens` response tokens without the end token."""
        inside = (self.tokens >= settings.min_tokens) & (self.tokens <= settings.max_tokens)
        return inside if self.left_out is None else inside & ~self.left_out

    def price(self, settings: ArmSettings) -> Int64[np.ndarray, "rows"]:
        """What a row costs of `size`: 1, or its tokens with the end token."""
        return {"rows": np.ones_like(self.tokens), "tokens": self.tokens + 1}[settings.budget]


class UnitDial(NamedTuple):
    """The units of a strategy in the pool, and the candidate pools of its degrees."""

    incidence: Incidence
    names: pl.Series
    dial: Dial


class Arm(NamedTuple):
    """A chosen subset: its table (schema Subset), its summary (SubsetSummary), and how it came about."""

    table: pl.DataFrame
    summary: dict[str, Any]
    selection: Selection
    collapse: str
    """which degrees are one subset and why; empty where all differ, or the strategy has no degree"""
    shortfall: float
    """rows or tokens that have other lengths than random's, though `lengths` is as-random"""
    note: str = ""
    """what a baseline says of its rows, and by how much a budget of tokens was exceeded, if by over 5 %"""


def build_unit_dial(
    strategy: str, units: pl.DataFrame | Iterable[pl.DataFrame] | None, pool: PoolRows, settings: ArmSettings
) -> UnitDial:
    """The dial of `strategy` from its `units` (schema Units, or slices of it); None: one unit for all rows.

    ValueError without any.
    """
    inside = pool.flag_inside(settings)
    table = pl.DataFrame({"id": pool.ids, "unit": "pool"}) if units is None else units
    incidence, names = build_incidence(table, pool.ids, inside)
    if names.is_empty():
        raise ValueError(
            f"none of the {inside.sum()} responses of min_tokens..max_tokens tokens has a unit of {strategy}: "
            "widen min_tokens..max_tokens, or the settings that its units are made with"
        )
    costs, strata = pool.price(settings), None
    if settings.lengths == "as-random" and units is not None:
        strata = assign_strata(pool.tokens, costs, inside, np.diff(incidence.row_start) > 0, settings.size)
    return UnitDial(incidence, names, _turn(incidence, costs, settings, strata))


def choose_arm(
    pool: PoolRows,
    settings: ArmSettings,
    own: UnitDial,
    match: UnitDial | None = None,
    table: pl.DataFrame | None = None,
) -> Arm:
    """The subset of `settings`.

    `own` is the dial of its strategy, `match` that of `settings.match`, for a strategy that follows it. `table` is what
    a baseline chooses by, tokens or vectors, in the order of `pool`. ValueError where one of them is missing.
    """
    entry, costs, inside = get_strategy(settings.strategy), pool.price(settings), pool.flag_inside(settings)
    rng = np.random.default_rng(settings.seed)
    selection = dialled = _draw(own, costs, settings, rng)
    note = ""
    if not entry.has_units:
        matched_rows = None
        if entry.follows_match:
            require_match(settings.match)
            if match is None:
                raise ValueError(f"{settings.strategy} needs the units of subset.match {settings.match}")
            dialled = _draw(match, costs, settings, np.random.default_rng(settings.seed))
            matched_rows = dialled.draw.rows
        choices = pl.DataFrame({"id": pool.ids}) if table is None else table
        inputs = BaselineInputs(
            choices,
            pool.ids,
            pool.tokens,
            inside,
            costs,
            settings.size,
            selection.draw.rows,
            matched_rows,
            rng,
            pool.scores,
        )
        rows, note = CHOOSERS[settings.strategy](inputs)
        selection = replace_rows(selection, rows)
    summary: dict[str, Any] = asdict(settings)
    del summary["slack"], summary["weights"], summary["peel_noise"]
    if settings.lengths == "free":
        del summary["lengths"]
    summary |= describe_chain(selection) | describe_draw(own.incidence, selection, pool.tokens, pool.characters)
    without_unit = int((inside & (np.diff(own.incidence.row_start) == 0)).sum())
    summary |= {"pool_rows": int(inside.sum()), "rows_without_unit": without_unit}
    summary |= {"collapsed_degrees": group_equal_degrees(dialled.states) if entry.has_degree else []}
    collapse = explain_equal_degrees(dialled, costs, settings.size, settings.slack, settings.budget)
    return Arm(
        _build_table(selection.draw, pool.ids, own.names),
        summary,
        selection,
        collapse if entry.has_degree else "",
        dialled.strata.shortfall if dialled.strata is not None else 0.0,
        "; ".join(filter(None, [note, _explain_excess(costs[selection.draw.rows], settings)])),
    )


def measure_seed_overlap(pool: PoolRows, settings: ArmSettings, own: UnitDial, arm: Arm) -> float:
    """The share of the rows of `arm`, of the dial `own`, that the next seed's subset has too."""
    following, costs = replace(settings, seed=settings.seed + 1), pool.price(settings)
    dial = _turn(own.incidence, costs, following, own.dial.strata)
    draw = _draw(own._replace(dial=dial), costs, following, np.random.default_rng(following.seed)).draw
    rows = arm.selection.draw.rows
    return len(np.intersect1d(rows, draw.rows)) / len(rows)


def _explain_excess(costs: Int64[np.ndarray, "chosen"], settings: ArmSettings) -> str:
    """Why the rows of these `costs` are far above a budget of tokens; empty where they are not."""
    spent = int(costs.sum())
    if settings.budget == "rows" or spent <= (1 + MOST_EXCESS) * settings.size:
        return ""
    return (
        f"the rows of {settings.strategy} have {spent:,} response tokens in place of {settings.size:,}, since the last "
        f"one alone has {costs[-1]:,}: limit the length of a row by max_tokens"
    )


def _turn(incidence: Incidence, costs: Int64[np.ndarray, "rows"], settings: ArmSettings, strata: Strata | None) -> Dial:
    return build_dial(incidence, costs, settings.size, settings.slack, strata, settings.peel_noise, settings.seed)


def _draw(
    units: UnitDial, costs: Int64[np.ndarray, "rows"], settings: ArmSettings, rng: np.random.Generator
) -> Selection:
    return select_at_degree(
        units.incidence,
        units.dial,
        costs,
        degree=settings.degree,
        size=settings.size,
        weights=settings.weights,
        rng=rng,
    )


def _build_table(draw: Draw, ids: pl.Series, names: pl.Series) -> pl.DataFrame:
    turn = pl.Series("turn", range(len(draw.rows)), pl.Int32)
    return pl.DataFrame([ids.gather(draw.rows), names.gather(draw.units), turn]).sort("id")
