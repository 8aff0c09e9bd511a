"""Records of a source → its rows, where each of them stood with the record's other fields, and what was left out."""

import json
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import islice
from typing import NamedTuple

import polars as pl

from m2m.data.records.cleaning import tabulate_texts
from m2m.data.records.exchanges import reject
from m2m.data.records.read_files import SourceRecord
from m2m.data.records.record_formats import PairColumns, RecordReading, Turns, split_record
from m2m.parallel import map_slices

ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)
BATCH_RECORDS = 4_000  # records that are held as Python objects at once
START_CHARS = 200  # of a record that is shown
PLACE_COLUMNS = {
    "source": pl.String,
    "row": pl.Int64,
    "turn": pl.Int64,
    "file": pl.String,
    "place": pl.Int64,
    "fields": pl.String,
    "record_start": pl.String,
    "has_context": pl.Boolean,
}


class RowTable(NamedTuple):
    """Rows (`ROW_COLUMNS`), their places (`PLACE_COLUMNS`), and counts as in `Exchanges`."""

    rows: pl.DataFrame
    places: pl.DataFrame
    left_out: int
    without_reasoning: int = 0


def tabulate_records(source: str, records: Iterable[SourceRecord], columns: PairColumns, turns: Turns) -> RowTable:
    """The rows of a source: one a record, or with `turns: each` one an exchange."""
    stream = iter(records)
    batches = iter(lambda: list(islice(stream, BATCH_RECORDS)), [])
    tabulate = partial(_tabulate_batch, source, columns, turns)
    tables = list(map_slices(tabulate, batches)) or [tabulate([])]
    rows, places = pl.concat(table.rows for table in tables), pl.concat(table.places for table in tables)
    return RowTable(
        rows, places, sum(table.left_out for table in tables), sum(table.without_reasoning for table in tables)
    )


def join_places(origins: pl.DataFrame, tables: Iterable[RowTable]) -> pl.DataFrame:
    """The places (schema RowOrigins) of the rows `origins`, which have id, source, row and turn, in their order."""
    places = pl.concat(table.places for table in tables)
    joined = origins.join(places, on=["source", "row", "turn"], how="left", maintain_order="left")
    return joined.select("id", "source", "file", row="place", exchange="turn", fields="fields")


def _tabulate_batch(source: str, columns: PairColumns, turns: Turns, records: Iterable[SourceRecord]) -> RowTable:
    rows, places, left_out, without_reasoning = [], [], 0, 0
    for record in records:
        reading = (
            RecordReading(reject(record.reason), {}) if record.reason else split_record(record.value, columns, turns)
        )
        exchanges, fields = reading.exchanges, _write_fields(reading.other_fields)
        left_out += exchanges.left_out
        without_reasoning += exchanges.without_reasoning
        start = None if record.reason else _write_start(record.value)
        for turn, pair in enumerate(exchanges.pairs):
            rows.append((source, record.row, turn, None, pair.instruction, pair.response, pair.reason))
            places.append((source, record.row, turn, record.file, record.place, fields, start, pair.has_context))
    return RowTable(
        tabulate_texts(rows),
        pl.DataFrame(places, schema=PLACE_COLUMNS, orient="row"),
        left_out,
        without_reasoning,
    )


def _write_fields(fields: Mapping[str, object]) -> str:
    """A JSON object; what JSON has no word for, such as a date, is text."""
    values = {name: None if field != field else field for name, field in fields.items()}  # noqa: PLR0124  NaN
    return _clean(ENCODER.encode(values))


def _write_start(value: object) -> str:
    """What the JSON of a record begins with; texts are cut before they are written, which takes most of the time."""
    fields = value.items() if isinstance(value, Mapping) else ()
    short = {name: field[:START_CHARS] if isinstance(field, str) else field for name, field in fields} or value
    return _clean(ENCODER.encode(short)[:START_CHARS])


def _clean(text: str) -> str:
    """`text` with half surrogates, which no table holds, spelled out."""
    return text.encode(errors="backslashreplace").decode()
