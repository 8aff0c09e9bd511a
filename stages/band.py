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
from m2m.study.figures.bands import draw_bands
from m2m.study.figures.save import write_picture
from m2m.study.figures.style import apply_style
from m2m.text.tokenize import Tokenized, load_saved, tokenize, tokenize_units
from m2m.units.micro.band_histogram import build_histogram, pick_examples
from m2m.units.micro.token_bands import (
    BAND_NAMES,
    Limits,
    assign_bands,
    collect_row_types,
    describe_units,
    explain_other_tokenizer,
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
    if tokenizer != "base":
        print(f"band {side}: {explain_other_tokenizer(tokenizer)}", file=sys.stderr)
    table = read_table(pairs, Pairs).sort("id")
    model_tokens = tokenize(load_saved(base_tokenizer), table[side].to_list())
    unit_tokens = (
        model_tokens if tokenizer == "base" else tokenize_units(tokenizer, base_tokenizer, table[side].to_list())
    )
    write_table(tokens, Tokens, table.select("id", tokens=_list_tokens(model_tokens)))

    counts = np.bincount(unit_tokens.tokens, minlength=len(unit_tokens.names)).astype(np.int64)
    occurrences = scale_limits(low, high, limits, table.height)
    codes = assign_bands(counts, *occurrences)
    band_table = _build_table(unit_tokens, counts, codes)
    write_table(bands, Bands, band_table)
    bins = build_histogram(band_table)
    write_table(histogram, Histogram, bins)
    chart = draw_bands(bins, f"Token bands of the {side}s", pick_examples(band_table))
    write_picture(picture, apply_style(chart.properties(width=720, height=420)))
    unit_types = select_types(codes, band)
    if (counts[unit_types] > 0).sum() < ALMOST_EMPTY:
        print(
            f"warning: the {band} band of the {side}s is nearly empty: change low {low} or high {high}", file=sys.stderr
        )
    rows, types = collect_row_types(unit_tokens.tokens, unit_tokens.offsets, unit_types)
    carried = pl.DataFrame([table["id"].gather(rows), pl.Series("unit", unit_tokens.names).gather(types)])
    if band == "mid":
        sentence = describe_units(carried["unit"].n_unique(), occurrences, table.height, carried["id"].n_unique())
        print(f"band {side}: {sentence}", file=sys.stderr)
    write_table(units, Units, carried.sort("id", "unit"))


def _list_tokens(tokenized: Tokenized) -> pl.Series:
    lists = pa.LargeListArray.from_arrays(tokenized.offsets, tokenized.tokens)
    return pl.Series("tokens", lists, dtype=pl.List(pl.Int32))


def _build_table(tokenized: Tokenized, counts: np.ndarray, codes: np.ndarray) -> pl.DataFrame:
    bands = [BAND_NAMES[code] for code in codes]
    table = pl.DataFrame({"token": tokenized.names, "text": tokenized.texts, "count": counts, "band": bands})
    return table.filter(pl.col("count") > 0).sort("count", "token", descending=[True, False])


if __name__ == "__main__":
    run(main)
