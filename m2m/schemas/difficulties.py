"""What each response costs the base model, with its instruction before it and without."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Difficulties(pa.DataFrameModel):
    """Sorted by id. Without rows where no strategy asked for the pass."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    tokens: pl.Int32 = pa.Field(ge=0, description="response tokens that were scored, without the end token")
    conditioned: float = pa.Field(ge=0, nullable=True, description="bits a token after the instruction")
    unconditioned: float = pa.Field(ge=0, nullable=True, description="bits a token without the instruction")

    class Config:
        strict = True
        ordered = True
