"""One embedding a row."""

import polars as pl

from m2m.runtime.pandera_alone import pa


class Vectors(pa.DataFrameModel):
    """Sorted by id; all vectors have one length and, to 1e-3, norm 1."""

    id: str = pa.Field(unique=True, str_length={"min_value": 1})
    vector: pl.List = pa.Field(dtype_kwargs={"inner": pl.Float32})

    class Config:
        strict = True
        ordered = True

    @pa.dataframe_check
    @classmethod
    def one_dimension(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Every vector is as long as the first."""
        return data.lazyframe.select(pl.col("vector").list.len().n_unique() <= 1)

    @pa.dataframe_check
    @classmethod
    def unit_norm(cls, data: pa.PolarsData) -> pl.LazyFrame:
        """Finite, of Euclidean norm 1 within 1e-3."""
        squares = pl.col("vector").list.eval(pl.element() * pl.element()).list.sum()
        return data.lazyframe.select(((squares.sqrt() - 1).abs() < 1e-3).all())
