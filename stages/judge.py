"""Answers of two models → raw verdicts, prompt by prompt; measure parses them."""

from pathlib import Path
from typing import Literal

import polars as pl

from stages.core.verdict import baselines, by_likelihood, by_similarity, games
from stages.io.command import run
from stages.io.tables import read_table, write_table
from stages.schemas.answers import Answers
from stages.schemas.prompts import Prompts
from stages.schemas.verdicts import Verdicts


def main(
    prompts: Path,
    candidate: Path,
    opponent: Path,
    verdicts: Path,
    /,
    *,
    engines: tuple[Literal["likelihood", "similarity"], ...],
    against: tuple[Literal["opponent", "baseline"], ...],
    model: str,
    revision: str,
    precision: Literal["float32", "bfloat16"],
    batch_size: int,
    max_tokens: int,
) -> None:
    """`likelihood`: who finds the reference likelier a byte. `similarity`: whose answer is nearer to it (embedding)."""
    asked, ours = read_table(prompts, Prompts), read_table(candidate, Answers)
    rivals = {"opponent": read_table(opponent, Answers)} if "opponent" in against else {}
    rivals |= baselines(asked) if "baseline" in against else {}
    rows = pl.concat([games(asked, ours, theirs, name) for name, theirs in rivals.items()])
    judged = []
    if "likelihood" in engines:
        judged.append(by_likelihood(rows).with_columns(engine=pl.lit("likelihood")))
    if "similarity" in engines:
        from stages.io.embedder import embed, load_embedder

        columns = ("reference", "candidate_answer", "opponent_answer")
        texts = sorted({text for column in columns for text in rows[column].drop_nulls()})
        vectors = embed(load_embedder(model, revision, precision, max_tokens), texts, batch_size)
        by_text = dict(zip(texts, vectors, strict=True))
        judged.append(by_similarity(rows, by_text).with_columns(engine=pl.lit("similarity")))
    once = {"order": pl.lit(0, pl.Int8), "repeat": pl.lit(0, pl.Int16)}  # these engines know no order and no chance
    table = pl.concat(judged).with_columns(**once).select(list(Verdicts.to_schema().columns))
    if table.is_empty():
        raise ValueError("no prompt can be judged without an LLM: give prompts with references to `benchmark`")
    write_table(verdicts, Verdicts, table.sort("id", "opponent", "engine"))


if __name__ == "__main__":
    run(main)
