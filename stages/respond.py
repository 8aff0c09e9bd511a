"""Pool → the pairs to work on: responses kept, or written anew by an LLM."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.data.responses import RowReply, replace_responses, require_responses, summarize_reasons
from m2m.llm.client.ask import ask_slices
from m2m.llm.client.reply import Reply
from m2m.llm.client.request import Endpoint, Request
from m2m.llm.prompt_template import fill_template
from m2m.runtime.artifacts import get_columns, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.pool import Pool
from m2m.schemas.unusable import Unusable
from m2m.table_slices import read_slices, write_slices


def main(
    pool: Path,
    template: Path,
    pairs: Path,
    rejected: Path,
    /,
    *,
    engine: Literal["keep", "endpoint", "local"],
    temperature: float,
    reply_tokens: int,
    seed: int,
    endpoint: Endpoint,
) -> None:
    """`keep` takes the responses of the source; a reply that cannot be used is left out with its reason."""
    if engine == "keep":
        no_original = pl.lit(None, pl.String).alias("original")
        write_slices(pairs, Pairs, (table.with_columns(no_original) for table in read_slices(pool, Pool)))
        write_table(rejected, Unusable, pl.DataFrame(schema=get_columns(Unusable)))
        return
    prompt = template.read_text(encoding="utf-8")
    read = partial(_write_requests, pool, prompt, reply_tokens, temperature, seed)
    unusable: list[pl.DataFrame] = []
    slices = zip(read_slices(pool, Pool), ask_slices(read, engine, endpoint, "respond"), strict=True)
    rows = write_slices(pairs, Pairs, _replace(slices, unusable))
    lost = pl.concat(unusable)
    reasons = summarize_reasons(Counter(lost["reason"]))
    print(
        f"respond: {lost.height} of {rows + lost.height} rows are left out: {reasons}; their texts are in {rejected}",
        file=sys.stderr,
    )
    write_table(rejected, Unusable, lost)


def _write_requests(
    pool: Path, prompt: str, reply_tokens: int, temperature: float, seed: int
) -> Iterator[list[Request]]:
    """One request a row, a slice of rows at once."""
    for table in read_slices(pool, Pool, ["id", "instruction"]):
        texts = (fill_template(prompt, {"instruction": text}) for text in table["instruction"])
        yield [Request((text,), reply_tokens, temperature=temperature, seed=seed) for text in texts]


def _replace(
    slices: Iterable[tuple[pl.DataFrame, list[Reply]]], unusable: list[pl.DataFrame]
) -> Iterator[pl.DataFrame]:
    """The rows with their new responses, a slice at once; adds those without one to `unusable`. ValueError: all are."""
    rows = 0
    for table, replies in slices:
        row_replies = [RowReply(reply.text, reply.finish, reply.error) for reply in replies]
        pairs, lost = replace_responses(table, row_replies)
        unusable.append(lost)
        rows += pairs.height
        yield pairs
    require_responses(rows, Counter(reason for lost in unusable for reason in lost["reason"]))


if __name__ == "__main__":
    run(main)
