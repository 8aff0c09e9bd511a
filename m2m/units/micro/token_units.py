"""Builds the micro units of one side: the band of every token type, and which rows carry the types of one band."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from jaxtyping import Bool, Int32, Int64

from m2m.text.pool_tokens import SLICE_TEXTS, Encode
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


class TypeBands(NamedTuple):
    """Three arrays by token number, and the least and the most occurrences of the middle band."""

    counts: Int64[np.ndarray, "types"]
    bands: Int64[np.ndarray, "types"]
    selected: Bool[np.ndarray, "types"]
    """the types that are units"""
    limits: tuple[float, float]

    @property
    def unit_types(self) -> int:
        """The units that occur."""
        return int(((self.counts > 0) & self.selected).sum())

    @property
    def is_almost_empty(self) -> bool:
        """Too few units for degrees of diversity."""
        return self.unit_types < ALMOST_EMPTY


class TokenUnits(NamedTuple):
    """The units of a pool: `table` has schema Units."""

    types: TypeBands
    table: pl.DataFrame
    summary: str
    """the number of units and of rows without one"""


def select_unit_types(
    counts: Int64[np.ndarray, "types"],
    rows: int,
    low: float,
    high: float,
    limits: Limits,
    band: Literal["low", "mid", "high", "all"],
) -> TypeBands:
    """The bands of all types by their `counts` in a pool of `rows` rows; those of `band` are units."""
    occurrences = scale_limits(low, high, limits, rows)
    codes = assign_bands(counts, *occurrences)
    return TypeBands(counts, codes, select_types(codes, band), occurrences)


def count_tokens(slices: Iterable[Int32[np.ndarray, "tokens"]], types: int) -> Int64[np.ndarray, "types"]:
    """How often each type occurs in all `slices`."""
    counts = np.zeros(types, np.int64)
    for tokens in slices:
        counts += np.bincount(tokens, minlength=types)
    return counts


class UnitLister:
    """Lists the units of slices of rows."""

    def __init__(self, types: TypeBands, names: list[str]) -> None:
        order = sorted(range(len(names)), key=names.__getitem__)  # types in the order of their names
        self._rank = np.empty(len(names), np.int32)
        self._rank[order] = np.arange(len(names), dtype=np.int32)
        self._names = pl.Series("unit", [names[number] for number in order], pl.String)
        self._selected = types.selected[order]

    def list_units(
        self, ids: pl.Series, tokens: Int32[np.ndarray, "tokens"], offsets: Int64[np.ndarray, "rows+1"]
    ) -> pl.DataFrame:
        """The units (schema Units) of the rows `ids`, in their order; row r has `tokens[offsets[r]:offsets[r + 1]]`."""
        rows, types = collect_row_types(self._rank[tokens], offsets, self._selected)
        return pl.DataFrame([ids.gather(rows).alias("id"), self._names.gather(types)])

    def list_table_units(self, table: pl.DataFrame) -> pl.DataFrame:
        """The units of a slice of a table of schema Tokens."""
        return self.list_units(table["id"], *flatten_tokens(table["tokens"]))


def build_token_units(
    ids: pl.Series,
    tokenized: Tokenized,
    low: float,
    high: float,
    limits: Limits,
    band: Literal["low", "mid", "high", "all"],
) -> TokenUnits:
    """The types of `band` as units of the rows `ids`, sorted, whose texts are `tokenized`."""
    counts = count_tokens([tokenized.tokens], len(tokenized.names))
    types = select_unit_types(counts, len(ids), low, high, limits, band)
    lister, tables, rows_with_unit = UnitLister(types, tokenized.names), [], 0
    for start in range(0, max(len(ids), 1), SLICE_TEXTS):
        offsets = tokenized.offsets[start : start + SLICE_TEXTS + 1]
        tokens = tokenized.tokens[offsets[0] : offsets[-1]]
        tables.append(lister.list_units(ids[start : start + SLICE_TEXTS], tokens, offsets - offsets[0]))
        rows_with_unit += tables[-1]["id"].n_unique()
    summary = describe_units(types.unit_types, types.limits, len(ids), rows_with_unit)
    return TokenUnits(types, pl.concat(tables), summary)


def tokenize_table(encode: Encode, side: str, table: pl.DataFrame) -> pl.DataFrame:
    """The tokens (schema Tokens) of one side of a slice of pairs."""
    return table.select("id", tokens=list_tokens(*encode(table[side].to_list())))


def list_tokens(tokens: Int32[np.ndarray, "tokens"], offsets: Int64[np.ndarray, "rows+1"]) -> pl.Series:
    """The tokens of each row, as schema Tokens has them."""
    return pl.Series("tokens", pa.LargeListArray.from_arrays(offsets, tokens), dtype=pl.List(pl.Int32))


def flatten_tokens(lists: pl.Series) -> tuple[Int32[np.ndarray, "tokens"], Int64[np.ndarray, "rows+1"]]:
    """All tokens of a column of schema Tokens, and where each row begins."""
    offsets = np.append(0, lists.list.len().to_numpy().astype(np.int64).cumsum())
    return lists.explode(empty_as_null=False).to_numpy(), offsets
