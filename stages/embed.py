"""One side of the pairs → one unit vector a row."""

from pathlib import Path
from typing import Literal

import polars as pl

from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.vectors import Vectors
from m2m.text.embedder import embed, load_embedder


def main(
    pairs: Path,
    vectors: Path,
    /,
    *,
    side: Literal["instruction", "response"],
    model: str,
    revision: str,
    precision: Literal["float32", "bfloat16"],
    batch_size: int,
    max_tokens: int,
) -> None:
    """Only the first `max_tokens` tokens of a text count: the time of this stage grows with them."""
    table = read_table(pairs, Pairs).sort("id")
    matrix = embed(load_embedder(model, revision, precision, max_tokens), table[side].to_list(), batch_size)
    column = pl.Series("vector", matrix).cast(pl.List(pl.Float32))
    write_table(vectors, Vectors, table.select("id", column))


if __name__ == "__main__":
    run(main)
