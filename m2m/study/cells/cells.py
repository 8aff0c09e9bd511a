"""The grid's rows → cells that may be compared, each with its diversity and the setting it was run under."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float64

from m2m.strategies import NO_DEGREE

SETTING = ("condition", "size")
LONGEST = 100_000  # tokens: what params.yaml calls no limit


def select_comparable(grid: pl.DataFrame) -> pl.DataFrame:
    """The cells of one provenance, the one with most of them, sorted; `grid` as in schema Grid.

    Adds diversity = degree / 6, and condition: budget, lengths, weights, slack, noise and prefilter in words. Subsets
    without units are the same at every degree: they count once, as degree 0.
    """
    sizes = grid.group_by("provenance").len().sort(["len", "provenance"], descending=[True, False])
    cells = (
        grid.join(sizes.head(1), on="provenance", how="semi")
        .with_columns(
            degree=pl.when(pl.col("strategy").is_in(NO_DEGREE)).then(0).otherwise(pl.col("degree")),
            condition=pl.format("{}{}", describe_condition(), _prefilter()),
        )
        .with_columns(diversity=pl.col("degree") / 6)
    )
    key = ["strategy", "match", "degree", "seed", *SETTING]
    return cells.sort("condition", "size", "strategy", "match", "degree", "seed", "experiment").unique(
        key, keep="first", maintain_order=True
    )


def describe_condition() -> pl.Expr:
    """What cells share beside the size and the prefilter, in words."""
    return pl.format("{}, {}, {} weights, slack {}{}", "budget", _lengths(), "weights", "slack", _noise())


def select_outcome(cells: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """The cells that have this outcome, as column `worth`, a float."""
    return cells.with_columns(worth=pl.col(outcome).cast(pl.Float64)).drop_nulls("worth")


def split_cells(cells: pl.DataFrame, *by: str) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """Each group of `cells` that agrees in the columns `by`, in sorted order, after the values that it shares."""
    for key, group in cells.sort(by, maintain_order=True).group_by(by, maintain_order=True):
        yield dict(zip(by, key, strict=True)), group


def get_column(cells: pl.DataFrame, name: str = "worth") -> Float64[np.ndarray, "cells"]:
    """One column as floats."""
    return cells[name].cast(pl.Float64).to_numpy()


def measure_shared_rows(cells: pl.DataFrame) -> tuple[float, bool]:
    """The mean share of its rows that a cell's next seed has too, and whether it was measured.

    Cells of before it was measured have a lower bound of one draw of units: two draws of N rows of C candidates share
    N / C on average, and more where some are likelier.
    """
    if "seed_overlap" in cells.columns and not cells["seed_overlap"].has_nulls():
        return float(get_column(cells, "seed_overlap").mean()), True
    return float((get_column(cells, "rows") / get_column(cells, "candidate_rows")).mean()), False


def _noise() -> pl.Expr:
    """The noise of pruning in words, empty without any."""
    return pl.when(pl.col("peel_noise") > 0).then(pl.format(", peel noise {}", "peel_noise")).otherwise(pl.lit(""))


def _prefilter() -> pl.Expr:
    """Which rows were candidates, in words; empty where all were."""
    percent = (pl.col("prefilter_share") * 100).round(4).cast(pl.String).str.strip_suffix(".0")
    words = pl.format(", the {} % nearest the examples by {}", percent, "prefilter")  # labels.name_nearest has them too
    return pl.when(pl.col("prefilter") == "random").then(pl.lit("")).otherwise(words)


def _lengths() -> pl.Expr:
    """The length window, and whether a subset has random's lengths in it, in words."""
    unlimited = (pl.col("min_tokens") <= 1) & (pl.col("max_tokens") >= LONGEST)
    limits = pl.format("{}..{} tokens each", "min_tokens", "max_tokens")
    window = pl.when(unlimited).then(pl.lit("any length")).otherwise(limits)
    return pl.when(lengths="as-random").then(pl.format("{}, lengths as random", window)).otherwise(window)
