"""How many token types occur how often: the token-band table in bins of doubling width, for plotting."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Histogram(pa.DataFrameModel):
    """Sorted by count; a bin that straddles a threshold is split between its bands."""

    band: str = pa.Field(isin=["low", "mid", "high"])
    count: pl.Int64 = pa.Field(ge=1, description="smallest count of the bin: 1, 2, 4, 8 …, or the band's first")
    types: pl.Int64 = pa.Field(ge=1, description="token types in the bin")
    occurrences: pl.Int64 = pa.Field(ge=1, description="tokens of the pool that they make up")

    class Config:
        strict = True
        ordered = True
        unique = ["band", "count"]
