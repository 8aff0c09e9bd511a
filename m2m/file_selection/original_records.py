"""Reads the chosen records again as they stand in a person's files, and says where turns stand as text or uncounted."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int64

from m2m.data.records.read_files import read_files
from m2m.data.records.record_formats import Turns
from m2m.data.records.row_table import ENCODER
from m2m.export.trainer_formats import SelectFormat
from m2m.file_selection.file_pool import FilePool

CHAT_FORMATS = ("prompt-completion", "messages", "sharegpt")


def check_original(form: SelectFormat, turns: Turns) -> None:
    """ValueError where records would have to be several rows each."""
    if form == "original" and turns == "each":
        raise ValueError(
            "--format original writes a record as one row, and --turns each makes several rows of it: "
            "set --turns to first or last, or choose another --format"
        )


def read_original_records(pool: FilePool, rows: Int64[np.ndarray, "rows"]) -> list[dict[str, Any]]:
    """The records of `rows`, in their order. No other record is held.

    What JSON has no word for, such as a date, is text. ValueError where a file no longer has one of them.
    """
    places = pool.places[rows].select("source", "file", "row").rows()
    wanted, records = set(places), {}
    for source in dict.fromkeys(source for source, _, _ in places):
        for record in read_files(pool.paths[source]):
            place = source, record.file, record.place
            if place in wanted and isinstance(record.value, Mapping):
                records[place] = json.loads(ENCODER.encode(record.value), parse_constant=lambda _: None)
    if lost := [place for place in places if place not in records]:
        _, file, row = lost[0]
        raise ValueError(
            f"record {row} of {file} was read, and is no longer there: run it again on a file that stays as it is"
        )
    return [records[place] for place in places]


def describe_turns(pool: FilePool, chosen: pl.Series, form: SelectFormat) -> list[str]:
    """A sentence where the data has other turns than the records of the `chosen` rows (ids), or than were counted."""
    if form == "original" and any(pool.left_out.values()):
        return [
            "records are whole, and each is chosen by one exchange: lengths, units and overlaps are of that exchange"
        ]
    count = int(chosen.is_in(pool.with_context.implode()).sum())
    if form not in CHAT_FORMATS or not count:
        return []
    return [
        f"{count:,} of {len(chosen):,} rows have a system prompt or earlier turns; "
        "they stand as text in the user's turn: --format original keeps the records"
    ]
