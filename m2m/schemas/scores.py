"""What each prompt adds to what a cell is worth: the raw material of intervals over prompts."""

from m2m.runtime.pandera_alone import pa


class Scores(pa.DataFrameModel):
    """Sorted by experiment, outcome, id; an outcome is Σ score / Σ weight over its prompts; may be empty."""

    experiment: str = pa.Field(str_length={"min_value": 1})
    outcome: str = pa.Field(str_length={"min_value": 1}, description="a metric of metrics/cell.json")
    id: str = pa.Field(str_length={"min_value": 1}, description="the prompt")
    score: float = pa.Field(description="bits saved over the opponent on the reference, or games won")
    weight: float = pa.Field(gt=0, description="UTF-8 bytes of the reference, or games played")
    group: str = pa.Field(default="", description="of the prompt; prompts are resampled by group where there are ten")

    class Config:
        add_missing_columns = True  # tables of before there were groups have one
        strict = True
        ordered = True
        unique = ["experiment", "outcome", "id"]
