"""Times texts → tokens → bands → micro units against Hugging Face's tokenizer on the same texts; tokens must be equal.

`python -m bench.band [--pool pool.parquet] [--tokenizer folder] [--rows 117000]`: the texts are made-up words in
log-normal lengths and the tokenizer is a byte-level BPE trained on them, or the responses of the pool and the tokenizer
given.
"""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl

from bench.embed import made_up
from bench.report import header, show, timed
from m2m.text.pool_tokens import tokenize_pool
from m2m.text.tokenize import Tokenized, load_fast, load_saved, tokenize
from m2m.training.pretrain import train_tokenizer
from m2m.units.micro.token_bands import BAND_NAMES, assign_bands, collect_row_types, select_types

LOW, HIGH = 10, 500


def micro_units(tokenizer: Any, ids: pl.Series, texts: list[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the stage does between reading and writing: the table of types, and the units of the middle band."""
    tokens = tokenize_pool(tokenizer, texts)
    counts = np.bincount(tokens.tokens, minlength=len(tokens.names))
    codes = assign_bands(counts, LOW, HIGH)
    rows, types = collect_row_types(tokens.tokens, tokens.offsets, select_types(codes, "mid"))
    units = pl.DataFrame([ids.gather(rows), pl.Series("unit", tokens.names).gather(types)]).sort("id", "unit")
    return pl.DataFrame({"count": counts, "band": codes}).filter(pl.col("count") > 0), units


def train_bpe(texts: list[str]) -> Any:
    """A byte-level BPE of 32,000 types."""
    with TemporaryDirectory() as folder:
        train_tokenizer(texts, Path(folder), vocab_size=32_000)
        return load_saved(Path(folder))


def require_equal(tokenized: Tokenized, expected: Tokenized) -> None:
    """SystemExit where a text has other tokens than by Hugging Face's tokenizer."""
    pairs = zip(_split(tokenized), _split(expected), strict=True)
    differing = [text for text, (tokens, peer_tokens) in enumerate(pairs) if not np.array_equal(tokens, peer_tokens)]
    if differing:
        sys.exit(
            f"tokens must be equal to Hugging Face's, but {len(differing):,} of {len(tokenized.offsets) - 1:,} texts "
            f"have others, text {differing[0]:,} first"
        )


def _split(tokenized: Tokenized) -> list[np.ndarray]:
    return np.split(tokenized.tokens, tokenized.offsets[1:-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pool")
    parser.add_argument("--tokenizer", help="a folder; without it, a BPE is trained")
    parser.add_argument("--rows", type=int, default=117_000)
    chosen = parser.parse_args()
    pool = pl.DataFrame({"response": made_up(chosen.rows)}).with_columns(id=pl.int_range(pl.len()).cast(pl.String))
    if chosen.pool:
        pool = pl.read_parquet(chosen.pool, columns=["id", "response"])
        pool = pool.sample(min(chosen.rows, len(pool)), seed=1).sort("id")
    texts = pool["response"].to_list()
    tokenizer = load_fast(chosen.tokenizer) if chosen.tokenizer else train_bpe(texts[:20_000])
    expected, peer_seconds = timed(lambda: tokenize(tokenizer, texts))
    tokenized, seconds = timed(lambda: tokenize_pool(tokenizer, texts))
    header()
    show("tokens", len(texts), seconds, "Hugging Face tokenizers", peer_seconds)
    require_equal(tokenized, expected)
    print(f"{len(expected.tokens):,} tokens, equal to Hugging Face's")
    (types, units), seconds = timed(lambda: micro_units(tokenizer, pool["id"], texts))
    show("tokens, bands, micro units", len(texts), seconds, "Hugging Face tokenizers alone", peer_seconds)
    for code, band in enumerate(BAND_NAMES):
        counts = types.filter(pl.col("band") == code)["count"]
        print(f"{band}: {len(counts):,} types, {counts.sum():,} occurrences")
    without_unit = len(texts) - units["id"].n_unique()
    print(f"{len(units) / len(texts):.1f} mid types a response, {without_unit:,} responses without one")


if __name__ == "__main__":
    main()
