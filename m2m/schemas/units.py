"""Which row carries which unit: the sample × unit incidence of one strategy, in long form."""

from m2m.runtime.pandera_alone import pa


class Units(pa.DataFrameModel):
    """Sorted by id, unit; a row of the pool without any unit does not appear."""

    id: str = pa.Field(str_length={"min_value": 1})
    unit: str = pa.Field(str_length={"min_value": 1}, description="cluster number, canonical tag, or token")

    class Config:
        strict = True
        ordered = True
        unique = ["id", "unit"]
