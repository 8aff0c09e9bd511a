"""One side of the pairs → its tokens, the token-band table with its picture, and the micro units."""

import sys
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

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
from m2m.text.pool_tokens import tokenize_pool
from m2m.text.tokenize import Tokenized, load_saved, tokenize_units
from m2m.units.micro.band_histogram import build_histogram, pick_examples
from m2m.units.micro.token_bands import BAND_NAMES, Limits, explain_other_tokenizer
from m2m.units.micro.token_units import build_token_units, list_tokens


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
    model_tokens = tokenize_pool(load_saved(base_tokenizer), table[side].to_list())
    unit_tokens = (
        model_tokens if tokenizer == "base" else tokenize_units(tokenizer, base_tokenizer, table[side].to_list())
    )
    write_table(tokens, Tokens, table.select("id", tokens=list_tokens(model_tokens)))

    token_units = build_token_units(table["id"], unit_tokens, low, high, limits, band)
    band_table = _build_table(unit_tokens, token_units.counts, token_units.bands)
    write_table(bands, Bands, band_table)
    bins = build_histogram(band_table)
    write_table(histogram, Histogram, bins)
    chart = draw_bands(bins, f"Token bands of the {side}s", pick_examples(band_table))
    write_picture(picture, apply_style(chart.properties(width=720, height=420)))
    if token_units.is_almost_empty:
        print(
            f"warning: the {band} band of the {side}s is nearly empty: change low {low} or high {high}", file=sys.stderr
        )
    if band == "mid":
        print(f"band {side}: {token_units.summary}", file=sys.stderr)
    write_table(units, Units, token_units.units)


def _build_table(tokenized: Tokenized, counts: np.ndarray, codes: np.ndarray) -> pl.DataFrame:
    bands = [BAND_NAMES[code] for code in codes]
    table = pl.DataFrame({"token": tokenized.names, "text": tokenized.texts, "count": counts, "band": bands})
    return table.filter(pl.col("count") > 0).sort("count", "token", descending=[True, False])


if __name__ == "__main__":
    run(main)
