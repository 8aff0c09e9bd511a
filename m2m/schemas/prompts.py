"""Evaluation prompts, with what there is to compare an answer with."""

from m2m.runtime.pandera_alone import pa


class Prompts(pa.DataFrameModel):
    """Sorted by benchmark, id."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    benchmark: str = pa.Field(str_length={"min_value": 1})
    instruction: str = pa.Field(str_length={"min_value": 1})
    reference: str = pa.Field(nullable=True, description="a known good answer")
    baseline: str = pa.Field(nullable=True, description="name of the model that gave baseline_answer")
    baseline_answer: str = pa.Field(nullable=True)
    group: str = pa.Field(
        default="", description="whose prompts resemble each other: source, package, file or category"
    )

    class Config:
        add_missing_columns = True  # tables of before there were groups have one
        strict = True
        ordered = True
