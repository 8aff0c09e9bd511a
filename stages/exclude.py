"""Overlaps with evaluation prompts → the rows that `subset` leaves out: those, or none."""

from pathlib import Path
from typing import Literal

import polars as pl

from m2m.runtime.artifacts import read_table, write_table
from m2m.runtime.cli import run
from m2m.schemas.exclusions import Exclusions
from m2m.schemas.overlaps import Overlaps


def main(table: Path, exclusions: Path, /, *, overlap: Literal["keep", "drop"]) -> None:
    """`drop`: the rows of `table`, as in schema Overlaps. `keep`: none, and `table` is not read.

    `subset` names its input by the setting, and so waits for no evaluation prompt where it keeps every row.
    """
    ids = pl.Series("id", [], pl.String) if overlap == "keep" else read_table(table, Overlaps)["id"]
    write_table(exclusions, Exclusions, ids.unique().sort().to_frame())


if __name__ == "__main__":
    run(main)
