"""Base model + subset → a fine-tuned model, its loss curve, and the number of tokens that it was trained on."""

import hashlib
import sys
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from m2m.models import load_tokenizer
from m2m.runtime.artifacts import read_record, read_table, require_ids, write_json, write_table
from m2m.runtime.cli import run
from m2m.schemas.bands import Bands
from m2m.schemas.loss import LossCurve
from m2m.schemas.pairs import Pairs
from m2m.schemas.subset import Subset
from m2m.schemas.subset_summary import SubsetSummary
from m2m.text.prompt_format import encode_pairs
from m2m.text.tokenize import count_types, tokenize_units
from m2m.training.finetuning.batch_order import arrange_rows, order_batches
from m2m.training.finetuning.finetune import Recipe, finetune
from m2m.training.finetuning.launch import require_processes, start_processes
from m2m.training.finetuning.truncation import LongPrompts, find_trainable_rows, require_share, truncate_rows


def main(
    base: Path,
    tokenizer: Path,
    pairs: Path,
    subset: Path,
    summary: Path,
    bands: Path,
    model: Path,
    curve: Path,
    report: Path,
    /,
    *,
    arm: str,
    launch: Path,
    units: str,
    prompt_format: Literal["plain", "chat"],
    seed: int,
    method: Literal["full", "lora"],
    lora_rank: int,
    lora_alpha: int,
    lora_dropout: float,
    lora_targets: str,
    epochs: int,
    batch_size: int,
    accumulate: int,
    learning_rate: float,
    warmup_share: float,
    max_length: int,
    max_lost_share: float,
    long_prompts: LongPrompts,
    packing: Literal["none", "exact"],
    attention: Literal["sdpa", "eager", "flash_attention_2", "varlen"],
    gradient_checkpointing: Literal["none", "full"],
    dtype: Literal["float32", "mixed", "bfloat16"],
    kernels: Literal["none", "liger"],
    optimizer: Literal["adamw", "adamw-8bit"],
    order_seed: int | None,
    checkpoint_minutes: float,
) -> None:
    """Responses over `max_length` tokens are cut, counted, and refused past a share.

    A prompt that leaves no response within `max_length` is an error, or its row is dropped (`long_prompts`).

    `summary` goes to MLflow as the parameters of the run.
    """
    start_processes(launch, "stages.finetune")
    training_seed = seed if order_seed is None else order_seed
    is_main_process = require_processes(launch)
    pool = read_table(pairs, Pairs)
    chosen = pool.join(require_ids(subset, read_table(subset, Subset), pool["id"]), on="id", validate="1:1").sort("id")
    words, responses = load_tokenizer(tokenizer), chosen["response"].to_list()
    encoded = encode_pairs(words, chosen["instruction"].to_list(), responses, prompt_format)
    lengths_alone = np.diff(tokenize_units("base", tokenizer, responses).offsets).tolist()
    trainable, note = find_trainable_rows(
        chosen["id"].to_list(), [pair.prompt for pair in encoded], max_length, long_prompts
    )
    dropped = len(encoded) - len(trainable)
    if note and is_main_process:
        print(f"finetune: {note}: these rows are dropped", file=sys.stderr)
    responses, encoded = [responses[row] for row in trainable], [encoded[row] for row in trainable]
    lengths_alone = [lengths_alone[row] for row in trainable]
    rows, counts = truncate_rows(
        [(pair.prompt, pair.completion) for pair in encoded], lengths_alone, max_length, max_lost_share
    )

    mid = read_table(bands, Bands).filter(pl.col("band") == "mid")["token"].to_list()
    completions = [completion for _, completion in rows]
    truncated = [
        text[: pair.ends[len(completion) - 1]]
        for text, pair, completion in zip(responses, encoded, completions, strict=True)
    ]
    selected, trained = (count_types(tokenize_units(units, tokenizer, texts), mid) for texts in (responses, truncated))
    require_share("tokens of the middle band", selected - trained, selected, max_lost_share)
    counts |= {"mid_tokens": trained, "lost_mid_tokens": selected - trained}
    counts |= {"trained_tokens": epochs * counts["response_tokens"]}
    counts |= {"dropped_rows": dropped} if long_prompts == "drop" else {}
    if is_main_process:
        write_json(report, counts)

    lengths = np.array([len(prompt) + len(completion) for prompt, completion in rows])
    order = order_batches(lengths, batch_size, epochs, np.random.default_rng(training_seed))
    recipe = Recipe(
        seed=training_seed,
        method=method,
        lora_rank=lora_rank,
        lora_alpha=lora_alpha,
        lora_dropout=lora_dropout,
        lora_targets=lora_targets,
        batch_size=batch_size,
        accumulate=accumulate,
        learning_rate=learning_rate,
        warmup_share=warmup_share,
        packing=packing,
        attention=attention,
        gradient_checkpointing=gradient_checkpointing,
        dtype=dtype,
        kernels=kernels,
        optimizer=optimizer,
    )
    finetune(
        base,
        words,
        arrange_rows(rows, order, ([], [])),
        model,
        recipe,
        name=arm,
        checkpoint_minutes=checkpoint_minutes,
        params=read_record(summary, SubsetSummary).model_dump(exclude_unset=True)
        | counts
        | {"epochs": epochs, "prompt_format": prompt_format, "max_length": max_length, "order_seed": training_seed}
        | {"subset": hashlib.sha256(subset.read_bytes()).hexdigest()},
        write_curve=lambda points: write_table(
            curve, LossCurve, pl.DataFrame(points, schema=["step", "loss", "learning_rate"], orient="row")
        ),
    )


if __name__ == "__main__":
    run(main)
