"""Checkpoint + prompts → greedy answers, and the bits that each reference costs the model."""

from pathlib import Path
from typing import Any, Literal

import polars as pl

from m2m.inference.generate import generate_answers, score_completions
from m2m.inference.served_checkpoint import request_answers
from m2m.llm.client.ask import Engine
from m2m.llm.client.request import Endpoint
from m2m.models import load_model, load_tokenizer
from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.answers import Answers
from m2m.schemas.prompts import Prompts
from m2m.text.prompt_format import PromptFormat, encode_pairs, encode_prompts

NONE_SCORED = pl.DataFrame(schema={"id": pl.String, "bits": pl.Float64, "bytes": pl.Int32})


def main(
    model: Path,
    tokenizer: Path,
    prompts: Path,
    answers: Path,
    /,
    *,
    prompt_format: PromptFormat,
    engine: Engine,
    batch_size: int,
    max_length: int,
    max_new_tokens: int,
    repetition_penalty: float,
    dtype: Literal["float32", "bfloat16"],
    endpoint: Endpoint,
) -> None:
    """Prompts keep their last `max_length` − `max_new_tokens` tokens; of a long reference what then fits is scored.

    A server (engine endpoint) is sent whole prompts, and tells no likelihood: bits and bytes are null.
    """
    if max_new_tokens >= max_length:
        raise ValueError(f"max_new_tokens must be below max_length ({max_length}), got {max_new_tokens}: lower it")
    asked = read_table(prompts, Prompts).sort("id")
    if engine == "endpoint":
        said = request_answers(
            model,
            tokenizer,
            asked["instruction"].to_list(),
            prompt_format,
            max_new_tokens=max_new_tokens,
            repetition_penalty=repetition_penalty,
            endpoint=endpoint,
        )
        scored = NONE_SCORED
    else:
        checkpoint, words = load_model(model, dtype), load_tokenizer(tokenizer)
        room = max_length - max_new_tokens
        prompted = encode_prompts(words, asked["instruction"].to_list(), prompt_format)
        if long := sum(len(ids) > room for ids in prompted):
            print(f"generate: {long} of {len(prompted)} prompts are cut to their last {room} tokens: raise max_length")
        said = generate_answers(
            checkpoint,
            words,
            [ids[-room:] for ids in prompted],
            batch_size=batch_size,
            max_new_tokens=max_new_tokens,
            repetition_penalty=repetition_penalty,
        )
        scored = _scored(checkpoint, words, asked, prompt_format, max_length, room, batch_size)
    table = asked.select(
        "id",
        pl.Series("answer", [one.text for one in said], dtype=pl.String),
        pl.Series("tokens", [one.tokens for one in said], dtype=pl.Int32),
        pl.Series("truncated", [one.truncated for one in said], dtype=pl.Boolean),
    )
    write_table(answers, Answers, table.join(scored, on="id", how="left", maintain_order="left"))


def _scored(
    checkpoint: Any,
    words: Any,
    asked: pl.DataFrame,
    prompt_format: PromptFormat,
    max_length: int,
    room: int,
    batch_size: int,
) -> pl.DataFrame:
    """The columns id, bits, bytes: what the references cost after the prompts' last `room` tokens."""
    known = asked.filter(pl.col("reference").is_not_null())
    if known.is_empty():
        return NONE_SCORED
    pairs = encode_pairs(words, known["instruction"].to_list(), known["reference"].to_list(), prompt_format)
    prompted = [pair.prompt[-room:] for pair in pairs]
    rows = [(ids, pair.completion[: max_length - len(ids)]) for ids, pair in zip(prompted, pairs, strict=True)]
    read = [pair.ends[len(completion) - 1] for pair, (_, completion) in zip(pairs, rows, strict=True)]
    size = [len(text[:end].encode()) for text, end in zip(known["reference"], read, strict=True)]
    return known.select(
        "id",
        pl.Series("bits", score_completions(checkpoint, words, rows, batch_size=batch_size), dtype=pl.Float64),
        pl.Series("bytes", size, dtype=pl.Int32),
    )


if __name__ == "__main__":
    run(main)
