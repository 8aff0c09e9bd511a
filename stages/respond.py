"""Pool → the pairs to work on, responses kept or written anew; and the one unit of choices without units."""

from pathlib import Path
from typing import Literal

import polars as pl

from stages.io.command import run
from stages.io.tables import read_table, write_table
from stages.schemas.pairs import Pairs
from stages.schemas.pool import Pool
from stages.schemas.units import Units


def main(
    pool: Path,
    pairs: Path,
    random: Path,
    stratified: Path,
    center: Path,
    entropy: Path,
    /,
    *,
    engine: Literal["keep", "endpoint"],
) -> None:
    """`keep`: the source's own responses. Every row gets the unit "pool": an even draw over one unit is uniform."""
    if engine == "endpoint":
        raise ValueError(
            "respond.engine 'endpoint' is not configured: set it to 'keep' to use the pool's own responses"
        )
    table = read_table(pool, Pool).sort("id")
    write_table(pairs, Pairs, table.with_columns(original=pl.lit(None, pl.String)))
    for units in (random, stratified, center, entropy):
        write_table(units, Units, table.select("id", unit=pl.lit("pool")))


if __name__ == "__main__":
    run(main)
