"""Checkpoint + prompts → greedy answers, and the bits that each reference costs the model."""

import time
from pathlib import Path
from typing import Any, Literal

import polars as pl

from m2m.inference.continuous import generate_continuously
from m2m.inference.generate import Answer, generate_answers, score_completions
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
    batching: Literal["fixed", "continuous"],
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
    table = read_table(prompts, Prompts).sort("id")
    start = time.monotonic()
    if engine == "endpoint":
        answer_texts = request_answers(
            model,
            tokenizer,
            table["instruction"].to_list(),
            prompt_format,
            max_new_tokens=max_new_tokens,
            repetition_penalty=repetition_penalty,
            endpoint=endpoint,
        )
        print(f"{describe_speed(answer_texts, time.monotonic() - start)}, cached replies included")
        scores = NONE_SCORED
    else:
        checkpoint, words = load_model(model, dtype), load_tokenizer(tokenizer)
        prompt_limit = max_length - max_new_tokens
        prompt_tokens = encode_prompts(words, table["instruction"].to_list(), prompt_format)
        if long := sum(len(ids) > prompt_limit for ids in prompt_tokens):
            print(
                f"generate: {long} of {len(prompt_tokens)} prompts are cut to their last {prompt_limit} tokens: "
                "raise max_length"
            )
        answer = generate_answers if batching == "fixed" else generate_continuously
        start = time.monotonic()
        answer_texts = answer(
            checkpoint,
            words,
            [ids[-prompt_limit:] for ids in prompt_tokens],
            batch_size=batch_size,
            max_new_tokens=max_new_tokens,
            repetition_penalty=repetition_penalty,
        )
        print(describe_speed(answer_texts, time.monotonic() - start))
        scores = _score_references(checkpoint, words, table, prompt_format, max_length, prompt_limit, batch_size)
    columns = table.select(
        "id",
        pl.Series("answer", [answer.text for answer in answer_texts], dtype=pl.String),
        pl.Series("tokens", [answer.tokens for answer in answer_texts], dtype=pl.Int32),
        pl.Series("truncated", [answer.truncated for answer in answer_texts], dtype=pl.Boolean),
    )
    write_table(answers, Answers, columns.join(scores, on="id", how="left", maintain_order="left"))


def describe_speed(answers: list[Answer], seconds: float) -> str:
    """Tokens a second in words, of answers that took `seconds`.

    >>> describe_speed([Answer("a", 1500, True), Answer("b", 500, False)], 4.0)
    'generate: 2 answers, 2,000 tokens in 4 s: 500 tokens a second'
    """
    tokens = sum(answer.tokens for answer in answers)
    rate = tokens / max(seconds, 1e-9)
    return f"generate: {len(answers)} answers, {tokens:,} tokens in {seconds:.0f} s: {rate:,.0f} tokens a second"


def _score_references(
    checkpoint: Any,
    words: Any,
    table: pl.DataFrame,
    prompt_format: PromptFormat,
    max_length: int,
    prompt_limit: int,
    batch_size: int,
) -> pl.DataFrame:
    """The columns id, bits, bytes: what the references cost after the prompts' last `prompt_limit` tokens."""
    rows = table.filter(pl.col("reference").is_not_null())
    if rows.is_empty():
        return NONE_SCORED
    pairs = encode_pairs(words, rows["instruction"].to_list(), rows["reference"].to_list(), prompt_format)
    prompts = [pair.prompt[-prompt_limit:] for pair in pairs]
    inputs = [(ids, pair.completion[: max_length - len(ids)]) for ids, pair in zip(prompts, pairs, strict=True)]
    ends = [pair.ends[len(completion) - 1] for pair, (_, completion) in zip(pairs, inputs, strict=True)]
    size = [len(text[:end].encode()) for text, end in zip(rows["reference"], ends, strict=True)]
    return rows.select(
        "id",
        pl.Series("bits", score_completions(checkpoint, words, inputs, batch_size=batch_size), dtype=pl.Float64),
        pl.Series("bytes", size, dtype=pl.Int32),
    )


if __name__ == "__main__":
    run(main)
