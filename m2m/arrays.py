"""Converts list columns of tables to NumPy arrays, and computes the entropy of counts."""

import numpy as np
import polars as pl
from jaxtyping import Float32, Int32, Int64, Num


def stack_vectors(vectors: pl.Series) -> Float32[np.ndarray, "rows dim"]:
    """A list column whose rows all have one length, as in schema Vectors, as a matrix."""
    return np.asarray(vectors.list.to_array(len(vectors[0])).to_numpy())


def flatten_lists(tokens: pl.Series) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows+1"]]:
    """A list column as one array, and the offset of each row in it; the last offset is the length of the array.

    >>> flatten_lists(pl.Series([[4, 5], [], [6]], dtype=pl.List(pl.Int32)))
    (array([4, 5, 6], dtype=int32), array([0, 2, 2, 3]))
    """
    ends = tokens.list.len().cast(pl.Int64).cum_sum().to_numpy()
    return tokens.explode(empty_as_null=False).to_numpy(), np.append(0, ends)


def entropy_bits(weights: Num[np.ndarray, "kinds"]) -> float:
    """−Σ p log2 p of `weights` scaled to sum 1. Zeros add nothing; without a positive weight the entropy is 0.

    Shannon 1948, section 6. Bits, from 0 (one kind) to log2 of the number of kinds (all equal).
    """
    positive = weights[weights > 0]
    shares = positive / positive.sum()
    return float((shares * np.log2(1 / shares)).sum())
