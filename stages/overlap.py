"""Pairs and evaluation prompts → the rows that share text with a prompt, each with the shared words."""

import sys
from pathlib import Path

from m2m.data.benchmarks.overlap import find_table_overlaps
from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.overlaps import Overlaps
from m2m.schemas.pairs import Pairs
from m2m.schemas.prompts import Prompts
from m2m.strategies import SIDES
from m2m.table_slices import count_table_rows, read_slices


def main(pairs: Path, prompts: Path, overlaps: Path, /) -> None:
    """`overlaps` is a table for a person to judge; `overlap` in params.yaml says whether `subset` may choose them."""
    asked = read_table(prompts, Prompts)
    table = find_table_overlaps(read_slices(pairs, Pairs, ["id", *SIDES]), asked)
    write_table(overlaps, Overlaps, table)
    rows, total, shared = table["id"].n_unique(), count_table_rows(pairs), table["prompt"].n_unique()
    print(
        f"overlap: {rows} of {total} rows share text with {shared} of {asked.height} evaluation prompts"
        + (f", see {overlaps}" if rows else ""),
        file=sys.stderr,
    )


if __name__ == "__main__":
    run(main)
