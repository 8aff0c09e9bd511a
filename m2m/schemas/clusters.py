"""The macro units for reading: size and top words of each cluster."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Clusters(pa.DataFrameModel):
    """Sorted by size, largest first; the noise cluster is "-1"."""

    cluster: str = pa.Field(unique=True)
    size: pl.Int64 = pa.Field(ge=0, description="rows that hdbscan put there")
    share: float = pa.Field(ge=0, le=1, description="size / rows of the pool")
    words: str = pa.Field(description="top words by c-TF-IDF, comma-separated")

    class Config:
        strict = True
        ordered = True
