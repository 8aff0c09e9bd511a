"""Cells of several sizes → a curve of bits per byte against rows and tokens, and how many are enough."""

from typing import TypedDict

import numpy as np
import polars as pl

from m2m.planning.size_curve import PowerLaw, find_enough, fit_power_law
from m2m.study.analysis.levels import PREFILTER, ROW_CHOICE
from m2m.study.cells.cells import get_column, select_comparable, split_cells
from m2m.study.cells.labels import CONFIGURATION, name_configuration
from m2m.study.cells.rows import compute_or_explain, round_digits

BITS, UNTUNED_BITS = "candidate_bits_per_byte", "untuned_bits_per_byte"
AMOUNT_COLUMNS = {"rows": "rows", "tokens": "trained_tokens"}  # the columns that a curve may be against
UNITS = {"rows": "rows", "tokens": "trained tokens (all epochs)"}  # what they are, in words
AHEAD = (
    4  # times the largest size: what the curve predicts, and how far a held-out size is from those that it is fit on
)
CURVE_POINTS = 40
CURVE_SEED = 1  # of its draws: everybody sees the same curve


class SizePoint(TypedDict):
    """All cells of one size."""

    amount: float
    cells: int
    bits: float


class CurvePoint(TypedDict):
    """The curve at one size, with its 90 % interval."""

    amount: float
    bits: float
    low: float
    high: float


class HeldOut(CurvePoint):
    """The largest size, predicted from those up to a quarter of it: the 90 % interval of the mean of its cells."""

    cells: int
    observed: float


class CurveNumbers(TypedDict, total=False):
    """The numbers of a curve, or the reason why there are none; intervals are 90 %."""

    reason: str
    falls: bool  # whether more rows lower the bits, by the median of the draws
    exponent: float
    exponent_low: float
    exponent_high: float
    untuned: float
    whole: float  # the largest amount
    whole_is_pool: bool
    whole_gain: float  # bits per byte that the curve saves there over the base model
    enough: float  # the amount that reaches 95 % of it
    enough_low: float
    enough_high: float
    band: list[CurvePoint]
    ahead: CurvePoint  # four times the largest amount
    held_out: HeldOut | None


class CurveRow(CurveNumbers):
    """A strategy's curve against rows or tokens."""

    strategy: str
    by: str
    points: list[SizePoint]


def fit_curves(grid: pl.DataFrame, seed: int) -> list[CurveRow]:
    """Two rows a configuration of `grid` (schema Grid), which needs bits per byte; the whole pool belongs to each.

    Cells of another condition (budget, lengths, weights, slack or noise) have a curve of their own, named by it; of
    the whole pool, whose rows do not depend on all of that, each curve has the cells of its candidates.
    ValueError where no cell has bits per byte. A curve of too few sizes has a reason.
    """
    cells = select_comparable(grid)
    if not {BITS, UNTUNED_BITS} <= set(cells.columns) or not cells[BITS].count():
        raise ValueError(
            f"a curve over sizes needs {BITS}: give `benchmark` prompts with references, then run the grid"
        )
    measured = cells.drop_nulls([BITS, UNTUNED_BITS])
    is_whole = (pl.col("strategy") == "random") & (pl.col("rows") == pl.col("candidate_rows"))
    rows: list[CurveRow] = []
    parts = measured.filter(~is_whole)
    groups = list(split_cells(measured if parts.is_empty() else parts, *CONFIGURATION, "condition"))
    is_one = len({configuration["condition"] for configuration, _ in groups}) == 1
    for configuration, group in groups:
        condition, name = configuration["condition"], name_configuration(configuration)
        whole = measured.filter(is_whole).join(group, on=[*ROW_CHOICE, *PREFILTER], how="semi", nulls_equal=True)
        whole = whole.unique("seed", keep="first", maintain_order=True)  # of two settings it is one training
        arms = pl.concat([group.filter(~is_whole), whole])
        for by, column in AMOUNT_COLUMNS.items():
            numbers = compute_or_explain(_fit_curve, arms, column, seed, not whole.is_empty())
            rows.append(
                {
                    "strategy": name if is_one else f"{name} ({condition})",
                    "by": by,
                    "points": _list_points(arms, column),
                    **numbers,
                }
            )
    return round_digits(rows)


def _fit_curve(cells: pl.DataFrame, column: str, seed: int, whole_is_pool: bool) -> CurveNumbers:
    rng = np.random.default_rng(seed)
    amounts, bits = get_column(cells, column), get_column(cells, BITS)
    law = fit_power_law(amounts, bits, rng, get_column(cells, "size"))
    untuned = float(get_column(cells, UNTUNED_BITS).mean())
    smallest, largest = float(amounts.min()), float(amounts.max())
    enough = find_enough(law, untuned, smallest, largest)
    band = [_bound_curve(law, amount) for amount in np.geomspace(smallest, AHEAD * largest, CURVE_POINTS)]
    exponent_low, exponent, exponent_high = np.quantile(law.exponent, [0.05, 0.5, 0.95])
    enough_low, middle, enough_high = np.quantile(enough, [0.05, 0.5, 0.95])
    return {
        "falls": bool(np.median(law.slope) > 0),
        "exponent": float(exponent),
        "exponent_low": float(exponent_low),
        "exponent_high": float(exponent_high),
        "untuned": untuned,
        "whole": largest,
        "whole_is_pool": whole_is_pool,
        "whole_gain": untuned - _bound_curve(law, largest)["bits"],
        "enough": float(middle),
        "enough_low": float(enough_low),
        "enough_high": float(enough_high),
        "band": band,
        "ahead": _bound_curve(law, AHEAD * largest),
        "held_out": predict_held_out(cells, column, rng),
    }


def predict_held_out(cells: pl.DataFrame, column: str, rng: np.random.Generator) -> HeldOut | None:
    """The largest size from the cells of at most a quarter of it; None where those are too few for a curve."""
    amounts, bits = get_column(cells, column), get_column(cells, BITS)
    sizes = get_column(cells, "size")
    largest, near = sizes == sizes.max(), AHEAD * sizes <= sizes.max()
    try:
        law = fit_power_law(amounts[near], bits[near], rng, sizes[near])
    except ValueError:
        return None
    amount, count = float(amounts[largest].mean()), int(largest.sum())
    low, middle, high = np.quantile(law.draw_cells(amount, count, rng), [0.05, 0.5, 0.95])
    observed = float(bits[largest].mean())
    return {
        "amount": amount,
        "bits": float(middle),
        "low": float(low),
        "high": float(high),
        "cells": count,
        "observed": observed,
    }


def _bound_curve(law: PowerLaw, amount: float) -> CurvePoint:
    low, middle, high = np.quantile(law.draw_bits(np.array([amount])), [0.05, 0.5, 0.95])
    return {"amount": float(amount), "bits": float(middle), "low": float(low), "high": float(high)}


def _list_points(cells: pl.DataFrame, column: str) -> list[SizePoint]:
    """By size: the mean amount, and the mean bits."""
    mean_bits, amount = pl.col(BITS).mean().alias("bits"), pl.col(column).mean().alias("amount")
    sizes = cells.group_by("size").agg(mean_bits, amount, cells=pl.len()).sort("size")
    return [{"amount": row["amount"], "cells": row["cells"], "bits": row["bits"]} for row in sizes.to_dicts()]
