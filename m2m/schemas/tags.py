"""Tags as the tagger gave them, and what the normaliser made of each."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Tags(pa.DataFrameModel):
    """Raw tags, sorted by id, tag."""

    id: str = pa.Field(str_length={"min_value": 1})
    tag: str = pa.Field(str_length={"min_value": 1})

    class Config:
        strict = True
        ordered = True
        unique = ["id", "tag"]


class Canon(pa.DataFrameModel):
    """Raw tag → canonical tag, sorted by tag; canonical is null for a tag that was dropped."""

    tag: str = pa.Field(unique=True)
    count: pl.Int64 = pa.Field(ge=1, description="rows that carry the raw tag")
    canonical: str = pa.Field(nullable=True)
    step: str = pa.Field(
        isin=["kept", "frequency", "rule", "semantic", "association"],
        description="the step that last changed or dropped it",
    )
    why: str = pa.Field(description="that step's reason; empty for a tag that no step changed")

    class Config:
        strict = True
        ordered = True
