"""List columns of tables → NumPy arrays."""

import numpy as np
import polars as pl
from jaxtyping import Float32, Int32, Int64


def stack_vectors(vectors: pl.Series) -> Float32[np.ndarray, "rows dim"]:
    """A list column whose rows are all of one length, as schema Vectors has it."""
    return np.asarray(vectors.list.to_array(len(vectors[0])).to_numpy())


def flatten_lists(tokens: pl.Series) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows+1"]]:
    """A list column as one array, and where each row begins in it; the last offset is its end.

    >>> flat(pl.Series([[4, 5], [], [6]], dtype=pl.List(pl.Int32)))
    (array([4, 5, 6], dtype=int32), array([0, 2, 2, 3]))
    """
    ends = tokens.list.len().cast(pl.Int64).cum_sum().to_numpy()
    return tokens.explode(empty_as_null=False).to_numpy(), np.append(0, ends)
