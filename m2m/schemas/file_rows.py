"""What `m2m select` writes of every row that it read: rows.parquet and rejects.parquet."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class FileRows(pa.DataFrameModel):
    """Every usable row, in the order of its file. The record's other columns follow under their own names."""

    row_id: str = pa.Field(unique=True, str_length={"min_value": 1}, description="16 hex digits of the content's hash")
    pool_source: str = pa.Field(str_length={"min_value": 1}, description="the file or folder as it was named")
    pool_file: str = pa.Field(
        description="the file's name, after a pattern such as */a.jsonl its path from the first wildcard on"
    )
    pool_row: pl.Int64 = pa.Field(ge=0, description="position in the file, from 0")
    pool_exchange: pl.Int64 = pa.Field(ge=0, description="position among the record's rows; above 0 with turns: each")
    instruction: str = pa.Field(str_length={"min_value": 1})
    response: str = pa.Field(str_length={"min_value": 1})
    response_tokens: pl.Int64 = pa.Field(ge=0, description="without the end token")
    is_chosen: pl.Boolean
    unit: str = pa.Field(nullable=True, description="the unit that it was chosen for, as text; null if not chosen")
    turn: pl.Int32 = pa.Field(nullable=True, ge=0, description="0 for the row chosen first; null if not chosen")
    overlapping_prompt: str = pa.Field(nullable=True, description="id of an evaluation prompt that it shares text with")
    reason: str = pa.Field(str_length={"min_value": 1}, description="why it was chosen, or why not")

    class Config:
        strict = False
        ordered = False


class FileRejects(pa.DataFrameModel):
    """Every record or exchange that cannot be used, in the order of its file."""

    pool_source: str = pa.Field(str_length={"min_value": 1}, description="the file or folder as it was named")
    pool_file: str = pa.Field(description="as in rows.parquet")
    pool_row: pl.Int64 = pa.Field(ge=0, description="position in the file, from 0")
    pool_exchange: pl.Int64 = pa.Field(ge=0, description="as in rows.parquet")
    reason: str = pa.Field(str_length={"min_value": 1})
    record_start: str = pa.Field(
        nullable=True, description="first 200 characters of the record as JSON; null where the file has no record there"
    )
    fields: str = pa.Field(description="the record's other fields: a JSON object")

    class Config:
        strict = True
        ordered = True
