"""Rows that ingest read and did not keep, each with its reason."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Rejects(pa.DataFrameModel):
    """Sorted by source, row; pool + held-out + rejects + exchanges left out = exchanges read.

    With `turns: each` a record may stand here more than once.
    """

    source: str = pa.Field(str_length={"min_value": 1})
    row: pl.Int64 = pa.Field(ge=0, description="position in the source, from 0")
    reason: str = pa.Field(str_length={"min_value": 1})

    class Config:
        strict = True
        ordered = True
