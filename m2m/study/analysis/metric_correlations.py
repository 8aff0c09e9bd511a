"""Comparable cells → how well each diversity metric tells performance, with and without length."""

import polars as pl

from m2m.study.analysis.paper_results import CORRELATIONS
from m2m.study.cells.cells import SETTING, column, parts, with_worth
from m2m.study.cells.correlation import partial, pearson, spearman
from m2m.study.cells.labels import KIND
from m2m.study.cells.rows import Row, correlation_row

SIX = ("ngram_ratio", "embedding_distance", "mean_tokens", "compression_ratio", "self_bleu", "token_entropy")
POSTERIOR = tuple(f"{side}_{name}" for side in ("instruction", "response") for name in SIX)
LENGTH = "response_mean_tokens"


def metrics(cells: pl.DataFrame) -> list[str]:
    """The metrics that a subset has: all of both sides, with how much of each scale's units it covers and how evenly.

    Not among them are units_covered and evenness, which are of the strategy's own units and so differ in kind: 1 for
    random.
    """
    sides = [name for name in cells.columns if name.startswith(("instruction_", "response_"))]
    return [*POSTERIOR, *sorted(set(sides) - set(POSTERIOR))]


def points(cells: pl.DataFrame) -> pl.DataFrame:
    """One row a kind of cell, of one setting: its means over seeds; `cells` as from `with_worth`.

    Seeds of one cell have nearly the same metrics; counted one by one they would pass for evidence.
    """
    wanted = ["worth", *metrics(cells)]
    return cells.group_by(*KIND).agg(pl.col(wanted).cast(pl.Float64).mean()).sort(*KIND)


def metric_rows(cells: pl.DataFrame, outcome: str) -> list[Row]:
    """One row a setting and metric: Pearson, Spearman, and partial given mean response tokens; the paper's beside."""
    return [
        {"outcome": outcome} | key | {"metric": name, "paper": CORRELATIONS.get(name)} | _row(some, name)
        for key, part in parts(with_worth(cells, outcome), *SETTING)
        for some in [points(part)]
        for name in metrics(cells)
    ]


def _row(some: pl.DataFrame, name: str) -> Row:
    known = some.drop_nulls(name)
    x, y, length = (column(known, which) for which in (name, "worth", LENGTH))
    row = correlation_row("pearson", pearson, x, y) | correlation_row("spearman", spearman, x, y)
    left = {} if name == LENGTH else correlation_row("partial", partial, x, y, length)
    return {"points": known.height} | row | left
