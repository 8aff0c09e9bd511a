"""One side of the pairs → one unit vector a row."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.vectors import Vectors
from m2m.table_slices import TABLE_SLICE, read_slices, write_slices
from m2m.text.embedder import EmbedderName, embed_pool


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
    table = pl.concat(read_slices(pairs, Pairs, ["id", side]))
    name = EmbedderName(model, revision, precision, max_tokens)
    matrix = embed_pool(name, table[side].to_list(), batch_size)
    write_slices(vectors, Vectors, list_vectors(table["id"], matrix))


def list_vectors(ids: pl.Series, matrix: np.ndarray) -> Iterator[pl.DataFrame]:
    """Slices of schema Vectors."""
    for start in range(0, len(ids), TABLE_SLICE):
        piece = slice(start, start + TABLE_SLICE)
        column = pl.Series("vector", matrix[piece]).cast(pl.List(pl.Float32))
        yield pl.DataFrame([ids[piece], column])


if __name__ == "__main__":
    run(main)
