"""Every text of one side as the base model's tokens."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Tokens(pa.DataFrameModel):
    """Sorted by id; no special tokens; an empty list is possible."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    tokens: pl.List = pa.Field(dtype_kwargs={"inner": pl.Int32})

    class Config:
        strict = True
        ordered = True
