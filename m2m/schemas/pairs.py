"""The pool after respond: the pairs that are clustered, tagged, counted, chosen and trained on."""

from m2m.runtime.pandera_alone import pa


class Pairs(pa.DataFrameModel):
    """Sorted by id."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    source: str = pa.Field(str_length={"min_value": 1})
    instruction: str = pa.Field(str_length={"min_value": 1})
    response: str = pa.Field(str_length={"min_value": 1})
    original: str = pa.Field(nullable=True, description="the source's response where another replaced it")

    class Config:
        strict = True
        ordered = True
