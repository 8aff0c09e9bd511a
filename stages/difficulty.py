"""Pairs + base model → what each response costs with its instruction and without: only where the strategy reads it."""

import sys
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.base_passes.response_loss import measure_response_losses
from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import get_columns, read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.difficulties import Difficulties
from m2m.schemas.pairs import Pairs
from m2m.strategies import get_strategy
from m2m.text.prompt_format import PromptFormat, encode_pairs

LOSS_DIGITS = 6  # of bits a token: those beyond change with the threads


def main(
    pairs: Path,
    model: Path,
    tokenizer: Path,
    difficulties: Path,
    /,
    *,
    strategy: str,
    prompt_format: PromptFormat,
    batch_size: int,
    max_length: int,
    dtype: Literal["float32", "bfloat16"],
) -> None:
    """Two passes over the pool. Without rows for a `strategy` that chooses by something else."""
    if get_strategy(strategy).base_pass != "difficulty":
        write_table(difficulties, Difficulties, pl.DataFrame(schema=get_columns(Difficulties)))
        return
    table = read_table(pairs, Pairs).sort("id")
    words = load_tokenizer(tokenizer)
    encoded = encode_pairs(words, table["instruction"].to_list(), table["response"].to_list(), prompt_format)
    checkpoint = load_model(model, dtype)
    losses = measure_response_losses(checkpoint, words, encoded, max_length=max_length, batch_size=batch_size)
    print(
        f"difficulty: of {table.height} rows {losses.cut_prompts} prompts and {losses.cut_responses} responses are cut "
        f"to difficulty.max_length {max_length}; {losses.tokens.count(0)} responses have no token, and no difficulty",
        file=sys.stderr,
    )
    columns = {
        "id": table["id"],
        "tokens": losses.tokens,
        "conditioned": losses.conditioned,
        "unconditioned": losses.unconditioned,
    }
    measured = pl.DataFrame(columns, get_columns(Difficulties))
    write_table(difficulties, Difficulties, measured.with_columns(pl.col(pl.Float64).round(LOSS_DIGITS)))


if __name__ == "__main__":
    run(main)
