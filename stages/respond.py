"""Pool → the pairs to work on, responses kept or written anew; and the one unit of choices without units."""

import sys
from collections import Counter
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.data.responses import Said, renewed, told
from m2m.llm.client.ask import ask
from m2m.llm.client.request import Endpoint, Request
from m2m.llm.prompt_template import fill_template
from m2m.runtime.artifacts import columns_of, read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.pairs import Pairs
from m2m.schemas.pool import Pool
from m2m.schemas.units import Units
from m2m.schemas.unusable import Unusable


def main(
    pool: Path,
    template: Path,
    pairs: Path,
    rejected: Path,
    random: Path,
    stratified: Path,
    center: Path,
    entropy: Path,
    /,
    *,
    engine: Literal["keep", "endpoint", "local"],
    temperature: float,
    reply_tokens: int,
    seed: int,
    endpoint: Endpoint,
) -> None:
    """`keep`: the source's own responses. Every row gets the unit "pool": an even draw over one unit is uniform."""
    table = read_table(pool, Pool).sort("id")
    rest = pl.DataFrame(schema=columns_of(Unusable))
    if engine == "keep":
        table = table.with_columns(original=pl.lit(None, pl.String))
    else:
        prompt = template.read_text(encoding="utf-8")
        requests = [
            Request((fill_template(prompt, {"instruction": text}),), reply_tokens, temperature=temperature, seed=seed)
            for text in table["instruction"]
        ]
        replies = ask(requests, engine, endpoint, "respond")
        table, rest = renewed(table, [Said(reply.text, reply.finish, reply.error) for reply in replies])
        print(f"respond: {rest.height} of {len(replies)} rows are left out: {told(Counter(rest['reason']))}; "
              f"their texts are in {rejected}", file=sys.stderr)  # fmt: skip
    write_table(pairs, Pairs, table)
    write_table(rejected, Unusable, rest)
    for units in (random, stratified, center, entropy):
        write_table(units, Units, table.select("id", unit=pl.lit("pool")))


if __name__ == "__main__":
    run(main)
