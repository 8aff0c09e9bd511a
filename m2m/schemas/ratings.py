"""What an LLM rated each row's complexity or quality."""

from m2m.runtime.pandera_alone import pa


class RowRatings(pa.DataFrameModel):
    """Sorted by id. Without rows where `subset.quality` does not name this score."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    score: float = pa.Field(ge=1, le=6, nullable=True, description="null where the LLM gave none that can be read")

    class Config:
        strict = True
        ordered = True
