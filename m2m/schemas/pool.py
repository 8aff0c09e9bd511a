"""The candidate pool as ingest leaves it: one instruction–response pair a row."""

from m2m.runtime.pandera_alone import pa


class Pool(pa.DataFrameModel):
    """Sorted by id; the held-out rows have the same shape."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1}, description="16 hex digits of the content's hash")
    source: str = pa.Field(str_length={"min_value": 1}, description="the source's name in params.yaml")
    instruction: str = pa.Field(str_length={"min_value": 1})
    response: str = pa.Field(str_length={"min_value": 1})

    class Config:
        strict = True
        ordered = True
