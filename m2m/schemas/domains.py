"""Which source and domain each evaluation prompt of a study comes from: domains.csv in its folder."""

from m2m.runtime.pandera_alone import pa


class Domains(pa.DataFrameModel):
    """Sorted by id."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1}, description="the prompt")
    source: str = pa.Field(str_length={"min_value": 1})
    domain: str = pa.Field(str_length={"min_value": 1}, description="what the source is about")

    class Config:
        strict = True
        ordered = True
