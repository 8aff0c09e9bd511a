"""Base model + subset → a fine-tuned checkpoint, its loss curve, and the tokens it was really trained on."""

from pathlib import Path
from typing import Literal

import polars as pl

from stages.core.fit import fitted
from stages.io.command import run
from stages.io.records import write_json
from stages.io.tables import read_table, write_table
from stages.schemas.loss import Loss
from stages.schemas.pairs import Pairs
from stages.schemas.subset import Subset


def main(
    base: Path,
    tokenizer: Path,
    pairs: Path,
    subset: Path,
    model: Path,
    curve: Path,
    report: Path,
    /,
    *,
    arm: str,
    seed: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    warmup_share: float,
    max_length: int,
    max_lost_share: float,
    dtype: Literal["float32", "bfloat16"],
) -> None:
    """Run by `accelerate launch -m`; rows over `max_length` tokens are cut, counted, and refused past a share."""
    from stages.io.chat import encode_pairs
    from stages.io.finetuning import finetune
    from stages.io.models import load_model, load_tokenizer

    chosen = read_table(subset, Subset).join(read_table(pairs, Pairs), on="id", how="left", validate="1:1").sort("id")
    words = load_tokenizer(tokenizer)
    encoded = encode_pairs(words, chosen["instruction"].to_list(), chosen["response"].to_list())
    rows, lengths = fitted([(one.prompt, one.completion) for one in encoded], max_length, max_lost_share)
    losses = finetune(
        load_model(base, dtype),
        words,
        rows,
        model,
        name=arm,
        params=lengths,
        seed=seed,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        warmup_share=warmup_share,
    )
    write_table(curve, Loss, pl.DataFrame(losses, schema=["step", "loss", "learning_rate"], orient="row"))
    write_json(report, {**lengths, "trained_tokens": epochs * lengths["response_tokens"]})


if __name__ == "__main__":
    run(main)
