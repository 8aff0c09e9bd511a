"""Pairs + base model → a vector a row, the mean of the model's hidden states: only where a setting reads it."""

import sys
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.base_passes.representations import cut_rows, represent_rows
from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import get_columns, read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.vectors import Vectors
from m2m.strategies import get_strategy
from m2m.text.prompt_format import PromptFormat, encode_pairs


def main(
    pairs: Path,
    model: Path,
    tokenizer: Path,
    representations: Path,
    /,
    *,
    strategy: str,
    prefilter: str,
    prefilter_share: float,
    prompt_format: PromptFormat,
    batch_size: int,
    max_length: int,
    dtype: Literal["float32", "bfloat16"],
) -> None:
    """Instruction and response as they are trained. Without rows where neither `strategy` nor `prefilter` reads it.

    A `prefilter` whose `prefilter_share` is 1 reads nothing.
    """
    readers = [strategy, *([prefilter] if prefilter_share < 1 else [])]
    if all(get_strategy(name).base_pass != "represent" for name in readers):
        write_table(representations, Vectors, pl.DataFrame(schema=get_columns(Vectors)))
        return
    table = read_table(pairs, Pairs).sort("id")
    words = load_tokenizer(tokenizer)
    encoded = encode_pairs(words, table["instruction"].to_list(), table["response"].to_list(), prompt_format)
    rows, long = cut_rows([pair.prompt + pair.completion for pair in encoded], max_length)
    print(f"represent: {long} of {len(rows)} rows are cut to represent.max_length {max_length}", file=sys.stderr)
    matrix = represent_rows(load_model(model, dtype), rows, words.pad_token_id, batch_size=batch_size)
    column = pl.Series("vector", matrix).cast(pl.List(pl.Float32))
    write_table(representations, Vectors, table.select("id", column))


if __name__ == "__main__":
    run(main)
