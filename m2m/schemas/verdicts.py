"""Raw judgements of pairs of answers; measure parses them."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Verdicts(pa.DataFrameModel):
    """Sorted by id, opponent, engine, order, repeat."""

    id: str = pa.Field(str_length={"min_value": 1}, description="the prompt")
    benchmark: str = pa.Field(str_length={"min_value": 1})
    opponent: str = pa.Field(str_length={"min_value": 1}, description="the opponent arm, or the name of a baseline")
    engine: str = pa.Field(str_length={"min_value": 1})
    order: pl.Int8 = pa.Field(isin=[0, 1], description="1 when the judge saw the opponent first")
    repeat: pl.Int16 = pa.Field(ge=0)
    raw: str = pa.Field(nullable=True, description="the judge's own words; null when the call failed")

    class Config:
        strict = True
        ordered = True
        unique = ["id", "opponent", "engine", "order", "repeat"]
