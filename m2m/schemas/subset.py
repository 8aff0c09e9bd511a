"""A subset: which rows, in which order they were chosen, and the unit each was chosen for."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Subset(pa.DataFrameModel):
    """Sorted by id."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    unit: str = pa.Field(str_length={"min_value": 1})
    turn: pl.Int32 = pa.Field(unique=True, ge=0, description="0 for the row chosen first")

    class Config:
        strict = True
        ordered = True
