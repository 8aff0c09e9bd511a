"""Plain text that the small base model is trained on; shares no object and no text with pool and prompts."""

from m2m.runtime.pandera_alone import pa


class Corpus(pa.DataFrameModel):
    """Sorted by id."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    text: str = pa.Field(str_length={"min_value": 1})

    class Config:
        strict = True
        ordered = True
