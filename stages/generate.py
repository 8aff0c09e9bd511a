"""Checkpoint + prompts → greedy answers, and the bits that each reference costs the model."""

from pathlib import Path
from typing import Literal

import polars as pl

from stages.io.command import run
from stages.io.tables import read_table, write_table
from stages.schemas.answers import Answers
from stages.schemas.prompts import Prompts


def main(
    model: Path,
    tokenizer: Path,
    prompts: Path,
    answers: Path,
    /,
    *,
    prompt_format: Literal["plain", "chat"],
    batch_size: int,
    max_length: int,
    max_new_tokens: int,
    repetition_penalty: float,
    dtype: Literal["float32", "bfloat16"],
) -> None:
    """Prompts keep their last `max_length` − `max_new_tokens` tokens; of a long reference the first part is scored."""
    from stages.io.chat import encode_pairs, encode_prompts
    from stages.io.generation import completion_bits, greedy_answers
    from stages.io.models import load_model, load_tokenizer

    asked = read_table(prompts, Prompts).sort("id")
    checkpoint, words = load_model(model, dtype), load_tokenizer(tokenizer)
    prompted = encode_prompts(words, asked["instruction"].to_list(), prompt_format)
    questions = [ids[-(max_length - max_new_tokens) :] for ids in prompted]
    said = greedy_answers(
        checkpoint,
        words,
        questions,
        batch_size=batch_size,
        max_new_tokens=max_new_tokens,
        repetition_penalty=repetition_penalty,
    )
    known = asked.filter(pl.col("reference").is_not_null())
    pairs = encode_pairs(words, known["instruction"].to_list(), known["reference"].to_list(), prompt_format)
    rows = [(pair.prompt, pair.completion[: max(max_length - len(pair.prompt), 1)]) for pair in pairs]
    read = [pair.ends[len(completion) - 1] for pair, (_, completion) in zip(pairs, rows, strict=True)]
    scored = known.select(
        "id",
        pl.Series("bits", completion_bits(checkpoint, words, rows, batch_size=batch_size), dtype=pl.Float64),
        pl.Series(
            "bytes",
            [len(text[:end].encode()) for text, end in zip(known["reference"], read, strict=True)],
            dtype=pl.Int32,
        ),
    )
    table = pl.DataFrame(
        {
            "id": asked["id"],
            "answer": [one.text for one in said],
            "tokens": pl.Series([one.tokens for one in said], dtype=pl.Int32),
            "truncated": [one.truncated for one in said],
        }
    )
    write_table(answers, Answers, table.join(scored, on="id", how="left", maintain_order="left"))


if __name__ == "__main__":
    run(main)
