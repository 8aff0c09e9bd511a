"""Rows that ingest read and did not keep, each with its reason."""

import pandera.polars as pa
import polars as pl


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
