"""Where each row of the pool and each held-out row stood in its source, with the source's other columns."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class RowOrigins(pa.DataFrameModel):
    """Sorted by id; the rows of pool and held-out rows together."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1}, description="as in the pool")
    source: str = pa.Field(str_length={"min_value": 1}, description="the source's name in params.yaml")
    file: str = pa.Field(
        description="the file's name, after a pattern such as */a.jsonl its path from the first wildcard on; "
        "empty for docstrings and a hub's data sets"
    )
    row: pl.Int64 = pa.Field(ge=0, description="position in the file, else in the source, from 0")
    exchange: pl.Int64 = pa.Field(
        ge=0, description="position among the record's rows, from 0; above 0 with turns: each"
    )
    fields: str = pa.Field(description="the record's other fields, such as id, licence or scores: a JSON object")

    class Config:
        strict = True
        ordered = True
