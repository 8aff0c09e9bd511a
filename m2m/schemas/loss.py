"""The loss curve of one training."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class LossCurve(pa.DataFrameModel):
    """Sorted by step."""

    step: pl.Int64 = pa.Field(unique=True, ge=1)
    loss: float = pa.Field(ge=0, description="mean nats a trained token since the point before")
    learning_rate: float = pa.Field(ge=0)

    class Config:
        strict = True
        ordered = True
