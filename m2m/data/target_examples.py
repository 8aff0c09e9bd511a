"""Reads a file of examples: rows that a subset should be like."""

from typing import NamedTuple

import polars as pl

from m2m.data.records.cleaning import flag_unusable_rows
from m2m.data.records.read_files import read_files
from m2m.data.records.record_formats import DETECTED
from m2m.data.records.row_table import tabulate_records

MOST_EXAMPLES = 1000  # each costs a score for every row of the pool


class TargetExamples(NamedTuple):
    """The examples, with columns instruction and response, and how many records could not be used."""

    rows: pl.DataFrame
    rejected: int

    @property
    def texts(self) -> list[str]:
        """Question and answer of each example as one text."""
        return join_sides(self.rows)


def read_target_examples(path: str) -> TargetExamples:
    """The examples in `path`, in any form that a pool may have. ValueError for none, or more than 1,000."""
    rows = flag_unusable_rows(tabulate_records("examples", read_files(path), DETECTED, "first").rows, None, None)
    usable = rows.filter(pl.col("reason").is_null())
    if usable.is_empty():
        reason = rows["reason"][0] if rows.height else "it has no records"
        raise ValueError(f"{path} must hold examples with a question and an answer, none is usable: {reason}")
    if usable.height > MOST_EXAMPLES:
        raise ValueError(f"{path} has {usable.height} examples, at most {MOST_EXAMPLES} are read: name fewer")
    return TargetExamples(usable, rows.height - usable.height)


def join_sides(rows: pl.DataFrame) -> list[str]:
    """Instruction and response of each row as one text."""
    return rows.select(pl.concat_str("instruction", "response", separator="\n")).to_series().to_list()
