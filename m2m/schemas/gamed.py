"""Recorded annotations of AlpacaEval's two gamed baselines: its file df_gamed.csv."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class GamedAnnotations(pa.DataFrameModel):
    """A row a prompt and baseline, all prompts of the first baseline first; further columns are allowed."""

    index: pl.Int64 = pa.Field(ge=0, description="place in the evaluation set")
    preference: float = pa.Field(in_range={"min_value": 0, "max_value": 1}, description="liking for the gamed one")
    std_delta_len: float = pa.Field(description="baseline's characters − its own, in standard deviations")
    instruction_difficulty: float = pa.Field(description="the same for both")
