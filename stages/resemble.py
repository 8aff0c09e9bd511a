"""Representations of the pool + a person's examples → how like each example every row is, by RDS+."""

import sys
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from m2m.arrays import stack_vectors
from m2m.base_passes.representations import cut_rows, represent_rows
from m2m.data.target_examples import read_target_examples
from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.target_scores import TargetScores
from m2m.schemas.vectors import Vectors
from m2m.selection.target_match import score_by_cosine
from m2m.strategies import SIDES
from m2m.text.prompt_format import PromptFormat, encode_pairs


def main(
    representations: Path,
    model: Path,
    tokenizer: Path,
    scores: Path,
    /,
    *,
    examples: str | None,
    prompt_format: PromptFormat,
    batch_size: int,
    max_length: int,
    dtype: Literal["float32", "bfloat16"],
) -> None:
    """Examples are read as `represent` read the pool. Without them the lists are empty."""
    pool = read_table(representations, Vectors).sort("id")
    table = np.empty((pool.height, 0))
    if examples and pool.height:
        target = read_target_examples(examples)
        words = load_tokenizer(tokenizer)
        instructions, responses = (target.rows[side].to_list() for side in SIDES)
        encoded = encode_pairs(words, instructions, responses, prompt_format)
        rows, long = cut_rows([pair.prompt + pair.completion for pair in encoded], max_length)
        vectors = represent_rows(load_model(model, dtype), rows, words.pad_token_id, batch_size=batch_size)
        table = score_by_cosine(stack_vectors(pool["vector"]), vectors)
        print(
            f"resemble: {len(rows)} examples, {long} of them cut to represent.max_length {max_length}; "
            f"{target.rejected} records could not be used",
            file=sys.stderr,
        )
    column = pl.Series("scores", table.tolist(), pl.List(pl.Float64))
    write_table(scores, TargetScores, pool.select("id").with_columns(column))


if __name__ == "__main__":
    run(main)
