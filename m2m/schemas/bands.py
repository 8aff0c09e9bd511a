"""The token-band table: every token type of one side of the pool, how often it occurs, its frequency band."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Bands(pa.DataFrameModel):
    """Sorted by count, highest first, then token; types that do not occur are left out."""

    token: str = pa.Field(unique=True, description="the tokenizer's own spelling, or the word")
    text: str = pa.Field(description="as a person reads it; U+FFFD for bytes that are no character")
    count: pl.Int64 = pa.Field(ge=1, description="occurrences in this side of the pool")
    band: str = pa.Field(isin=["low", "mid", "high"])

    class Config:
        strict = True
        ordered = True
