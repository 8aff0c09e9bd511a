"""What the cells' models answered to the first few prompts: for reading side by side."""

from m2m.runtime.pandera_alone import pa


class Examples(pa.DataFrameModel):
    """Sorted by experiment, id; empty where the pool's text must not be passed on."""

    experiment: str = pa.Field(str_length={"min_value": 1}, description="the cell's")
    id: str = pa.Field(str_length={"min_value": 1}, description="the prompt")
    instruction: str
    reference: str = pa.Field(nullable=True)
    answer: str

    class Config:
        strict = True
        ordered = True
        unique = ["experiment", "id"]
