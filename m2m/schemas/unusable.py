"""Rows whose reply from an LLM could not be used, each with the reason and what it said."""

from m2m.runtime.pandera_alone import pa


class Unusable(pa.DataFrameModel):
    """Sorted by id; empty where no LLM was asked."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    reason: str = pa.Field(str_length={"min_value": 1})
    text: str = pa.Field(description="what the LLM said; empty where the call failed")

    class Config:
        strict = True
        ordered = True
