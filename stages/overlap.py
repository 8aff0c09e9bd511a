"""Pairs and evaluation prompts → the rows that share text with a prompt, each with the shared words."""

import sys
from pathlib import Path

from m2m.data.benchmarks.overlap import find_overlaps
from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.overlaps import Overlaps
from m2m.schemas.pairs import Pairs
from m2m.schemas.prompts import Prompts


def main(pairs: Path, prompts: Path, overlaps: Path, /) -> None:
    """`overlaps` is a table for a person to judge; `overlap` in params.yaml says whether `subset` may choose them."""
    pool, asked = read_table(pairs, Pairs), read_table(prompts, Prompts)
    table = find_overlaps(pool, asked)
    write_table(overlaps, Overlaps, table)
    rows, shared = table["id"].n_unique(), table["prompt"].n_unique()
    print(
        f"overlap: {rows} of {pool.height} rows share text with {shared} of {asked.height} evaluation prompts"
        + (f", see {overlaps}" if rows else ""),
        file=sys.stderr,
    )


if __name__ == "__main__":
    run(main)
