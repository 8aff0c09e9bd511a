"""Rows of the pool that share text with an evaluation prompt."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Overlaps(pa.DataFrameModel):
    """Sorted by id, prompt, field, kind."""

    id: str = pa.Field(str_length={"min_value": 1}, description="the pool's row")
    prompt: str = pa.Field(str_length={"min_value": 1}, description="id of the evaluation prompt")
    field: str = pa.Field(isin=["instruction", "response"], description="the side of the row")
    kind: str = pa.Field(
        isin=["exact", "13-gram"],
        description="exact: all words are equal, or those of paragraphs and a short prompt; 13-gram: 13 in a row",
    )
    grams: pl.Int64 = pa.Field(ge=0, description="positions of the row where 13 words of the prompt begin")
    text: str = pa.Field(
        str_length={"min_value": 1}, description="the shared words, the first 13 of them for a 13-gram"
    )

    class Config:
        strict = True
        ordered = True
        unique = ["id", "prompt", "field", "kind"]
