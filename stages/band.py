"""One side of the pairs → its tokens, the token-band table with its picture, and the micro units."""

import sys
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa

from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.bands import Bands
from m2m.schemas.histogram import Histogram
from m2m.schemas.pairs import Pairs
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.study.figures.pictures import write_picture
from m2m.text.tokenize import Tokenized, load_saved, tokenize, tokenize_units
from m2m.units.micro.band_histogram import build_histogram, plot_bands
from m2m.units.micro.token_bands import (
    BAND_NAMES,
    Limits,
    assign_bands,
    collect_row_types,
    describe_units,
    scale_limits,
    select_types,
)

ALMOST_EMPTY = 20  # token types: below this a band cannot tell degrees of diversity apart


def main(
    pairs: Path,
    base_tokenizer: Path,
    tokens: Path,
    bands: Path,
    units: Path,
    histogram: Path,
    picture: Path,
    /,
    *,
    side: Literal["instruction", "response"],
    tokenizer: str,
    low: float,
    high: float,
    limits: Limits,
    band: Literal["low", "mid", "high", "all"],
) -> None:
    """`tokenizer` makes the units: "base", "words", or a folder or hub id; the tokens are always the base model's."""
    table = read_table(pairs, Pairs).sort("id")
    ours = tokenize(load_saved(base_tokenizer), table[side].to_list())
    theirs = ours if tokenizer == "base" else tokenize_units(tokenizer, base_tokenizer, table[side].to_list())
    write_table(tokens, Tokens, table.select("id", tokens=_lists(ours)))

    counts = np.bincount(theirs.tokens, minlength=len(theirs.names)).astype(np.int64)
    occurrences = scale_limits(low, high, limits, table.height)
    codes = assign_bands(counts, *occurrences)
    known = _table(theirs, counts, codes)
    write_table(bands, Bands, known)
    write_table(histogram, Histogram, build_histogram(known))
    write_picture(picture, plot_bands(known, f"Token bands of the {side}s"))
    wanted = select_types(codes, band)
    if (counts[wanted] > 0).sum() < ALMOST_EMPTY:
        print(
            f"warning: the {band} band of the {side}s is nearly empty: change low {low} or high {high}", file=sys.stderr
        )
    rows, types = collect_row_types(theirs.tokens, theirs.offsets, wanted)
    carried = pl.DataFrame([table["id"].gather(rows), pl.Series("unit", theirs.names).gather(types)])
    write_table(units, Units, carried.sort("id", "unit"))
    if band == "mid":
        sentence = describe_units(carried["unit"].n_unique(), occurrences, table.height, carried["id"].n_unique())
        print(f"band {side}: {sentence}", file=sys.stderr)


def _lists(found: Tokenized) -> pl.Series:
    return pl.Series("tokens", pa.LargeListArray.from_arrays(found.offsets, found.tokens), dtype=pl.List(pl.Int32))


def _table(found: Tokenized, counts: np.ndarray, codes: np.ndarray) -> pl.DataFrame:
    every = pl.DataFrame(
        {"token": found.names, "text": found.texts, "count": counts, "band": [BAND_NAMES[code] for code in codes]}
    )
    return every.filter(pl.col("count") > 0).sort("count", "token", descending=[True, False])


if __name__ == "__main__":
    run(main)
