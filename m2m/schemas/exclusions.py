"""Rows of the pool that are no candidates, for either arm."""

from m2m.runtime.pandera_alone import pa


class Exclusions(pa.DataFrameModel):
    """Sorted by id."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1}, description="as in the pairs")

    class Config:
        strict = True
        ordered = True
