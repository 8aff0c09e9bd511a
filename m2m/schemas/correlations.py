"""How each diversity metric goes with an outcome, plain and given response length: for plotting."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Correlations(pa.DataFrameModel):
    """Sorted by outcome, condition, size, metric; a correlation that there is not is null."""

    outcome: str
    condition: str = pa.Field(description="budget, lengths, weights and slack in words")
    size: pl.Int64 = pa.Field(ge=1)
    metric: str
    points: pl.Int64 = pa.Field(ge=0, description="strategies × degrees, their seeds averaged")
    pearson_r: float = pa.Field(nullable=True, ge=-1, le=1)
    pearson_low: float = pa.Field(nullable=True, ge=-1, le=1)
    pearson_high: float = pa.Field(nullable=True, ge=-1, le=1)
    partial_r: float = pa.Field(nullable=True, ge=-1, le=1, description="mean response tokens held fixed")
    partial_low: float = pa.Field(nullable=True, ge=-1, le=1)
    partial_high: float = pa.Field(nullable=True, ge=-1, le=1)

    class Config:
        strict = True
        ordered = True
        unique = ["outcome", "condition", "size", "metric"]
