"""What one model says to every prompt, and how likely it finds the reference."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Answers(pa.DataFrameModel):
    """Sorted by id; bits and bytes are null where the prompt has no reference."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    answer: str = pa.Field(description="empty when the model ends at once")
    tokens: pl.Int32 = pa.Field(ge=0, description="tokens generated, the end token included")
    truncated: bool = pa.Field(description="the token limit cut it")
    bits: float = pa.Field(ge=0, nullable=True, description="−log2 p(reference and its end token | prompt)")
    bytes: pl.Int32 = pa.Field(ge=1, nullable=True, description="UTF-8 bytes of the reference")

    class Config:
        strict = True
        ordered = True
