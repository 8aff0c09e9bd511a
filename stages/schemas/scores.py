"""What each cell saved on each prompt: the raw material of intervals over prompts."""

import pandera.polars as pa
import polars as pl


class Scores(pa.DataFrameModel):
    """Sorted by experiment, id; prompts without a reference are left out; an empty table is allowed."""

    experiment: str = pa.Field(str_length={"min_value": 1})
    id: str = pa.Field(str_length={"min_value": 1}, description="the prompt")
    saved: float = pa.Field(description="the opponent's bits − the candidate's, for the reference")
    bytes: pl.Int32 = pa.Field(ge=1, description="UTF-8 bytes of the reference")

    class Config:
        strict = True
        ordered = True
        unique = ["experiment", "id"]
