"""Pairs and a person's examples → how like each example every row is, by BM25."""

import sys
from pathlib import Path

import numpy as np
import polars as pl

from m2m.data.target_examples import join_sides, read_target_examples
from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.target_scores import TargetScores
from m2m.selection.target_match import score_by_bm25
from m2m.text.tokenize import load_saved, tokenize


def main(pairs: Path, tokenizer: Path, scores: Path, /, *, examples: str | None) -> None:
    """Texts are instruction and response, in tokens of the base model. Without `examples` the lists are empty."""
    pool = read_table(pairs, Pairs).sort("id")
    table = np.empty((pool.height, 0))
    if examples:
        target = read_target_examples(examples)
        tokenized = tokenize(load_saved(tokenizer), join_sides(pool) + target.texts)
        table = score_by_bm25(tokenized.tokens, tokenized.offsets, len(target.texts))
        print(f"target: {len(target.texts)} examples; {target.rejected} records could not be used", file=sys.stderr)
    column = pl.Series("scores", table.tolist(), pl.List(pl.Float64))
    write_table(scores, TargetScores, pool.select("id").with_columns(column))


if __name__ == "__main__":
    run(main)
