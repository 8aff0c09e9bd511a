"""Comparable cells → how well each diversity metric tells performance, with and without length."""

import polars as pl

from m2m.study.analysis.paper_results import CORRELATIONS
from m2m.study.cells.cells import SETTING, get_column, select_outcome, split_cells
from m2m.study.cells.correlation import partial_correlation, pearson, spearman
from m2m.study.cells.labels import CONFIGURATION
from m2m.study.cells.rows import StudyRow, make_correlation_row

SIX = ("ngram_ratio", "embedding_distance", "mean_tokens", "compression_ratio", "self_bleu", "token_entropy")
POSTERIOR = tuple(f"{side}_{name}" for side in ("instruction", "response") for name in SIX)
LENGTH_METRIC = "response_mean_tokens"


def list_metrics(cells: pl.DataFrame) -> list[str]:
    """The metrics that a subset has: all of both sides, with how much of each scale's units it covers and how evenly.

    Not among them are units_covered and evenness, which are of the strategy's own units and so differ in kind: 1 for
    random.
    """
    sides = [name for name in cells.columns if name.startswith(("instruction_", "response_"))]
    return [*POSTERIOR, *sorted(set(sides) - set(POSTERIOR))]


def average_seeds(cells: pl.DataFrame) -> pl.DataFrame:
    """One row a kind of cell, of one setting: its means over seeds; `cells` as from `with_worth`.

    Seeds of one cell have nearly the same metrics; counted one by one they would pass for evidence.
    """
    wanted = ["worth", *list_metrics(cells)]
    return cells.group_by(*CONFIGURATION).agg(pl.col(wanted).cast(pl.Float64).mean()).sort(*CONFIGURATION)


def correlate_metrics(cells: pl.DataFrame, outcome: str) -> list[StudyRow]:
    """One row a setting and metric: Pearson, Spearman, and partial given mean response tokens; the paper's beside."""
    return [
        {"outcome": outcome} | key | {"metric": name, "paper": CORRELATIONS.get(name)} | _row(some, name)
        for key, part in split_cells(select_outcome(cells, outcome), *SETTING)
        for some in [average_seeds(part)]
        for name in list_metrics(cells)
    ]


def _row(some: pl.DataFrame, name: str) -> StudyRow:
    known = some.drop_nulls(name)
    x, y, length = (get_column(known, which) for which in (name, "worth", LENGTH_METRIC))
    row = make_correlation_row("pearson", pearson, x, y) | make_correlation_row("spearman", spearman, x, y)
    left = {} if name == LENGTH_METRIC else make_correlation_row("partial", partial_correlation, x, y, length)
    return {"points": known.height} | row | left
