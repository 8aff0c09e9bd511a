"""Hands a comparison of subsets to the pool page: every row, the subset of each arm, and why a row is not in it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Float32

from m2m.export.pool_page import write_pool_page
from m2m.export.run_answers import RunAnswers
from m2m.file_selection.arms import RANDOM, Comparison, explain_rows
from m2m.strategies import get_strategy


def write_comparison_page(
    path: Path,
    rows: pl.DataFrame,
    comparison: Comparison,
    bands: pl.DataFrame | None,
    label_units: Callable[[pl.Series], pl.Series],
    label_clusters: Callable[[pl.Series], pl.Series],
    vectors: Float32[np.ndarray, "rows dim"] | None,
    title: str,
    notes: Sequence[str],
    answers: RunAnswers | None = None,
) -> None:
    """Write the page of `rows` (schema Pool) to `path`; the map is of `vectors`, or without them of words.

    `bands` has the tokens of each band, a row for each of `rows`. The labels are what a person reads of a unit of the
    strategy, and of a cluster. `answers` are those of a trained run.
    """
    entry = get_strategy(comparison.settings.strategy)
    pool = rows.with_columns(tokens=pl.Series(comparison.pool.tokens))
    if bands is not None:
        pool = pl.concat([pool, bands], how="horizontal")
    if entry.scale == "macro":
        pool = pool.with_columns(cluster=label_clusters(list_clusters(comparison)))
    subsets = {name: arm.table for name, arm in comparison.arms.items()}
    if entry.has_units:
        subsets = {
            name: table if name == RANDOM else table.with_columns(unit=label_units(table["unit"]))
            for name, table in subsets.items()
        }
    write_pool_page(
        path,
        pool,
        subsets,
        title=f"{title}: {comparison.settings.strategy}",
        initial=comparison.chosen,
        seed=comparison.settings.seed,
        reasons=pl.DataFrame({"id": pool["id"], **{name: explain_rows(comparison, name) for name in subsets}}),
        vectors=vectors,
        notes=notes,
        answers=answers,
    )


def list_clusters(comparison: Comparison) -> pl.Series:
    """The unit of each row, null where it has none; of a strategy that gives a row one unit at most."""
    incidence = comparison.own.incidence
    counts = np.diff(incidence.row_start)
    units = comparison.own.names.gather(incidence.row_units[incidence.row_start[:-1][counts > 0]])
    clusters = pl.DataFrame({"row": np.flatnonzero(counts > 0), "cluster": units})
    return pl.DataFrame({"row": np.arange(len(counts))}).join(clusters, on="row", how="left", maintain_order="left")[
        "cluster"
    ]
