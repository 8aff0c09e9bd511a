"""Experiments → the grid's table, a row a cell."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from m2m.schemas.grid import Grid

IDENTITY = Grid.Config.unique  # provenance and settings: a second copy of a cell would pass for a replicate
NULLABLE = [name for name, column in Grid.to_schema().columns.items() if column.nullable]
REQUIRED = [name for name in Grid.to_schema().columns if name not in NULLABLE]


def build_grid_table(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Schema Grid: one row a cell, sorted by experiment; of a cell that was run twice the first name stays.

    `rows` are flat: experiment, revision, provenance, the settings and the metrics. What no cell could measure, such as
    the bpb reduction without references, is null.
    """
    table = pl.DataFrame(list(rows), infer_schema_length=None)
    absent = [pl.lit(None, pl.Float64).alias(name) for name in NULLABLE if name not in table.columns]
    cells = table.with_columns(absent).sort("experiment").unique(IDENTITY, keep="first", maintain_order=True)
    first = ["experiment", "revision", *IDENTITY, "bpb_reduction", "likelihood_win_rate"]
    return cells.select(*first, *sorted(set(cells.columns) - set(first)))
