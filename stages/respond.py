"""Pool → the pairs to work on: responses kept, or written anew by an LLM."""

import sys
from collections import Counter
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.data.responses import RowReply, replace_responses, summarize_reasons
from m2m.llm.client.ask import ask
from m2m.llm.client.request import Endpoint, Request
from m2m.llm.prompt_template import fill_template
from m2m.runtime.artifacts import get_columns, read_table, write_table
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
    table = read_table(pool, Pool).sort("id")
    prompt = template.read_text(encoding="utf-8")
    requests = [
        Request((fill_template(prompt, {"instruction": text}),), reply_tokens, temperature=temperature, seed=seed)
        for text in table["instruction"]
    ]
    replies = ask(requests, engine, endpoint, "respond")
    row_replies = [RowReply(reply.text, reply.finish, reply.error) for reply in replies]
    table, unusable = replace_responses(table, row_replies)
    reasons = summarize_reasons(Counter(unusable["reason"]))
    print(
        f"respond: {unusable.height} of {len(replies)} rows are left out: {reasons}; their texts are in {rejected}",
        file=sys.stderr,
    )
    write_table(pairs, Pairs, table)
    write_table(rejected, Unusable, unusable)


if __name__ == "__main__":
    run(main)
