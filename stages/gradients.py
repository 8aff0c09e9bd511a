"""Pairs + a proxy model → a projected gradient a row of the pool: only where a proxy is named."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from m2m.base_passes.gradients import project_gradients
from m2m.base_passes.response_loss import cut_pair
from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import get_columns, read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.vectors import Vectors
from m2m.table_slices import write_slices
from m2m.text.prompt_format import PromptFormat, encode_pairs

WRITTEN_ROWS = 4096  # of 1,024 numbers: 16 MB


def main(
    pairs: Path,
    model: Path,
    tokenizer: Path,
    gradients: Path,
    /,
    *,
    proxy: str | None,
    prompt_format: PromptFormat,
    seed: int,
    dims: int,
    max_length: int,
) -> None:
    """The loss is that of the response and its end token after the instruction. Without a `proxy` there are no rows.

    ValueError for a hub id: its model may change, and nobody would see it.
    """
    if proxy is None:
        write_table(gradients, Vectors, pl.DataFrame(schema=get_columns(Vectors)))
        return
    if proxy != "base" and not Path(proxy).is_dir():
        raise ValueError(f"gradients.proxy must be base, or a folder with a model and its tokenizer, got {proxy}")
    pool = read_table(pairs, Pairs).sort("id")
    model_folder, tokenizer_folder = (model, tokenizer) if proxy == "base" else (Path(proxy), Path(proxy))
    lengths: list[int] = []
    inputs = _encode_rows(pool, load_tokenizer(tokenizer_folder), prompt_format, max_length, lengths)
    vectors = project_gradients(load_model(model_folder, "float32"), inputs, pool.height, dims=dims, seed=seed)
    ids = pool.select("id")
    write_slices(gradients, Vectors, (_add_vectors(rows, vectors) for rows in ids.iter_slices(WRITTEN_ROWS)))
    long = sum(length > max_length for length in lengths)
    print(f"gradients: {long} of {pool.height} rows are cut to gradients.max_length {max_length}", file=sys.stderr)


def _encode_rows(
    pool: pl.DataFrame, words: Any, prompt_format: PromptFormat, max_length: int, lengths: list[int]
) -> Iterator[tuple[list[int], list[int]]]:
    """Prompt and completion of each row in tokens, at most `max_length`; `lengths` gets its tokens before the cut."""
    for rows in pool.iter_slices(WRITTEN_ROWS):
        for pair in encode_pairs(words, rows["instruction"].to_list(), rows["response"].to_list(), prompt_format):
            lengths.append(len(pair.prompt) + len(pair.completion))
            yield cut_pair(pair.prompt, pair.completion, max_length)


def _add_vectors(rows: pl.DataFrame, vectors: Iterator[Any]) -> pl.DataFrame:
    """Table Vectors of these rows, with as many of the next vectors."""
    matrix = np.stack(list(islice(vectors, rows.height)))
    return rows.with_columns(pl.Series("vector", matrix).cast(pl.List(pl.Float32)))


if __name__ == "__main__":
    run(main)
