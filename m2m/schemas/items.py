"""The scores of the primary outcome as a flat table, as models of items and people read it."""

import pandera.polars as pa


class Items(pa.DataFrameModel):
    """Sorted by model, item, run; a row a trained model and prompt: what psychometrics reads."""

    model: str = pa.Field(str_length={"min_value": 1}, description="the configuration and its setting, in words")
    item: str = pa.Field(str_length={"min_value": 1}, description="the prompt")
    score: float = pa.Field(
        description="the primary outcome on this prompt: bits a byte saved, or the share of games won"
    )
    run: str = pa.Field(str_length={"min_value": 1}, description="the experiment: one training of the model")

    class Config:
        strict = True
        ordered = True
        unique = ["item", "run"]
