"""Reads the chosen records again as they stand in a person's files, and says what of them the written rows lack."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int64

from m2m.data.records.read_files import read_files
from m2m.data.records.record_formats import Turns, split_record
from m2m.data.records.row_table import ENCODER
from m2m.export.trainer_formats import SelectFormat
from m2m.file_selection.dialogues import has_opening_turn, list_dialogues
from m2m.file_selection.file_pool import FilePool


def check_original(form: SelectFormat, turns: Turns) -> None:
    """ValueError where records would have to be several rows each."""
    if form == "original" and turns == "each":
        raise ValueError(
            "--format original writes a record as one row, and --turns each makes several rows of it: "
            "set --turns to first or last, or choose another --format"
        )


def read_original_records(pool: FilePool, rows: Int64[np.ndarray, "rows"]) -> list[Mapping[str, Any]]:
    """The records of `rows`, in their order. No other record is held.

    ValueError where a file no longer has one of them.
    """
    places = pool.places[rows].select("source", "file", "row").rows()
    remaining, records = set(places), {}
    for source in dict.fromkeys(source for source, _, _ in places):
        for record in read_files(pool.paths[source]):
            place = source, record.file, record.place
            if place in remaining and isinstance(record.value, Mapping):
                records[place] = record.value
    if lost := [place for place in places if place not in records]:
        _, file, row = lost[0]
        raise ValueError(
            f"record {row} of {file} was read, and is no longer there: run it again on a file that stays as it is"
        )
    return [records[place] for place in places]


def encode_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """`record` as JSON holds it: what JSON has no word for, such as a date, is text."""
    encoded: dict[str, Any] = json.loads(ENCODER.encode(record), parse_constant=lambda _: None)
    return encoded


def describe_turns(pool: FilePool, ids: pl.Series, form: SelectFormat) -> list[str]:
    """A sentence where the data has other turns than the records of the chosen rows (`ids`), or than were counted."""
    if form == "original":
        sentence = (
            "records are whole, and each is chosen by one exchange: lengths, units and overlaps are of that exchange"
        )
        return [sentence] if any(pool.left_out.values()) else []
    count = int(ids.is_in(pool.with_context.implode()).sum())
    if not count:
        return []
    return [
        f"{count:,} of {len(ids):,} rows have a system prompt or earlier turns; "
        "they stand as text in the user's turn: --format original keeps the records"
    ]


def describe_beginnings(
    pool: FilePool, rows: Int64[np.ndarray, "rows"], records: Sequence[Mapping[str, Any]]
) -> list[str]:
    """A sentence each where `rows` lack what their `records` begin with: white space, or turns before the user's."""
    columns, turns = pool.settings.columns, pool.settings.turns
    indented = opened = 0
    for record, exchange in zip(records, pool.places["exchange"][rows], strict=True):
        pair = split_record(record, columns, turns).exchanges.pairs[exchange]
        indented += any(text[:1].isspace() for text in (pair.instruction, pair.response) if text)
        opened += any(map(has_opening_turn, list_dialogues(record, columns)))
    count = f"of {len(rows):,} rows"
    spaces = f"{indented:,} {count} lack the white space before their texts, such as the indentation of code"
    openings = f"{opened:,} {count} are of dialogues with opening turns before the user's first, which are left out"
    counts = ((indented, spaces), (opened, openings))
    return [f"{sentence}: --format original keeps it" for number, sentence in counts if number]
