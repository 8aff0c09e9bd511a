"""Builds the micro units of one side: the band of every token type, and which rows carry the types of one band."""

from typing import Literal, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from jaxtyping import Int64

from m2m.text.tokenize import Tokenized
from m2m.units.micro.token_bands import (
    Limits,
    assign_bands,
    collect_row_types,
    describe_units,
    scale_limits,
    select_types,
)

ALMOST_EMPTY = 20  # token types: below this a band cannot tell degrees of diversity apart


class TokenUnits(NamedTuple):
    """`counts` and `bands` are indexed by token number; `units` has schema Units."""

    counts: Int64[np.ndarray, "types"]
    bands: Int64[np.ndarray, "types"]
    units: pl.DataFrame
    is_almost_empty: bool
    summary: str
    """the number of units and of rows without one"""


def build_token_units(
    ids: pl.Series,
    tokenized: Tokenized,
    low: float,
    high: float,
    limits: Limits,
    band: Literal["low", "mid", "high", "all"],
) -> TokenUnits:
    """The types of `band` as units of the rows `ids`, whose texts are `tokenized`."""
    counts = np.bincount(tokenized.tokens, minlength=len(tokenized.names)).astype(np.int64)
    occurrences = scale_limits(low, high, limits, len(ids))
    codes = assign_bands(counts, *occurrences)
    unit_types = select_types(codes, band)
    rows, types = collect_row_types(tokenized.tokens, tokenized.offsets, unit_types)
    units = pl.DataFrame([ids.gather(rows), pl.Series("unit", tokenized.names).gather(types)])
    summary = describe_units(len(np.unique(types)), occurrences, len(ids), len(np.unique(rows)))
    is_almost_empty = bool((counts[unit_types] > 0).sum() < ALMOST_EMPTY)
    return TokenUnits(counts, codes, units.sort("id", "unit"), is_almost_empty, summary)


def list_tokens(tokenized: Tokenized) -> pl.Series:
    """The tokens of each row, as schema Tokens has them."""
    lists = pa.LargeListArray.from_arrays(tokenized.offsets, tokenized.tokens)
    return pl.Series("tokens", lists, dtype=pl.List(pl.Int32))
