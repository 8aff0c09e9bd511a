"""One side of the pairs → its tokens, the token-band table with its picture, and the micro units."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl

from m2m.parallel import map_slices
from m2m.runtime.artifacts import write_table
from m2m.runtime.cli import run
from m2m.schemas.bands import Bands
from m2m.schemas.histogram import Histogram
from m2m.schemas.pairs import Pairs
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.study.figures.bands import draw_bands
from m2m.study.figures.save import write_picture
from m2m.study.figures.style import apply_style
from m2m.table_slices import count_table_rows, read_slices, write_slices
from m2m.text.pool_tokens import SLICE_TEXTS, Encoder, build_encoder, build_word_encoder, get_stride
from m2m.text.tokenize import load_fast, load_saved
from m2m.units.micro.band_histogram import build_histogram, pick_examples
from m2m.units.micro.token_bands import BAND_NAMES, Limits, describe_units, explain_other_tokenizer
from m2m.units.micro.token_units import (
    TypeBands,
    UnitLister,
    count_tokens,
    flatten_tokens,
    select_unit_types,
    tokenize_table,
)


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
    encoder = _load_encoder("base", base_tokenizer, pairs, side)
    rows = _write_tokens(tokens, encoder, pairs, side)
    with TemporaryDirectory() as folder:
        unit_tokens = tokens
        if tokenizer != "base":
            unit_tokens, encoder = Path(folder, "units.parquet"), _load_encoder(tokenizer, base_tokenizer, pairs, side)
            _write_tokens(unit_tokens, encoder, pairs, side)
        flat = (flatten_tokens(table["tokens"])[0] for table in _read_tokens(unit_tokens))
        types = select_unit_types(count_tokens(flat, len(encoder.names)), rows, low, high, limits, band)
        rows_with_unit = _write_units(units, UnitLister(types, encoder.names), unit_tokens)
    band_table = _build_table(encoder, types)
    write_table(bands, Bands, band_table)
    bins = build_histogram(band_table)
    write_table(histogram, Histogram, bins)
    chart = draw_bands(bins, f"Token bands of the {side}s", pick_examples(band_table))
    write_picture(picture, apply_style(chart.properties(width=720, height=420)))
    if types.is_almost_empty:
        print(
            f"warning: the {band} band of the {side}s is nearly empty: change low {low} or high {high}", file=sys.stderr
        )
    if band == "mid":
        summary = describe_units(types.unit_types, types.limits, rows, rows_with_unit)
        print(f"band {side}: {summary}", file=sys.stderr)


def _load_encoder(name: str, base: Path, pairs: Path, side: str) -> Encoder:
    """`name` is "words", "base" (the tokenizer in `base`), a folder or a hub id."""
    if name == "words":
        return build_word_encoder(table[side].to_list() for table in read_slices(pairs, Pairs, ["id", side]))
    rows, compared, begin = count_table_rows(pairs), [], 0
    for table in read_slices(pairs, Pairs, ["id", side]):
        compared += table[side].gather_every(get_stride(rows), -begin % get_stride(rows)).to_list()
        begin += table.height
    return build_encoder(load_saved(base) if name == "base" else load_fast(name), compared, rows)


def _write_tokens(path: Path, encoder: Encoder, pairs: Path, side: str) -> int:
    """Write the tokens of one side of `pairs`; returns the number of rows."""
    texts = read_slices(pairs, Pairs, ["id", side], SLICE_TEXTS)
    return write_slices(path, Tokens, map_slices(partial(tokenize_table, encoder.encode, side), texts))


def _read_tokens(path: Path) -> Iterator[pl.DataFrame]:
    return read_slices(path, Tokens, rows=SLICE_TEXTS)


def _write_units(path: Path, lister: UnitLister, tokens: Path) -> int:
    """Write the units of all rows; returns how many rows have one."""
    counts: list[int] = []

    def list_tables() -> Iterator[pl.DataFrame]:
        for table in map_slices(lister.list_table_units, _read_tokens(tokens)):
            counts.append(table["id"].n_unique())
            yield table

    write_slices(path, Units, list_tables())
    return sum(counts)


def _build_table(encoder: Encoder, types: TypeBands) -> pl.DataFrame:
    bands = [BAND_NAMES[code] for code in types.bands]
    table = pl.DataFrame({"token": encoder.names, "text": encoder.texts, "count": types.counts, "band": bands})
    return table.filter(pl.col("count") > 0).sort("count", "token", descending=[True, False])


if __name__ == "__main__":
    run(main)
