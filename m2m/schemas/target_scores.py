"""How like each example every row of the pool is."""

import pandera.polars as pa
import polars as pl


class TargetScores(pa.DataFrameModel):
    """Sorted by id; all lists have one length, the number of examples: 0 where none are named.

    Without rows where the scores need a pass of the base model that no setting asked for.
    """

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    scores: pl.List = pa.Field(
        dtype_kwargs={"inner": pl.Float64}, description="BM25 of each example, or 1 + the cosine with it; 0 or more"
    )

    class Config:
        strict = True
        ordered = True

    @pa.dataframe_check
    @classmethod
    def one_length(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Every list is as long as the first."""
        return data.lazyframe.select(pl.col("scores").list.len().n_unique() <= 1)
