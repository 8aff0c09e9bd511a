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
from m2m.data.records.record_formats import PairColumns, Turns, list_other_fields, read_exchanges
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
    """Rows (`ROW_COLUMNS`), their places (`PLACE_COLUMNS`), and how many exchanges became no row."""

    rows: pl.DataFrame
    places: pl.DataFrame
    left_out: int


def tabulate_records(source: str, records: Iterable[SourceRecord], columns: PairColumns, turns: Turns) -> RowTable:
    """The rows of a source: one a record, or with `turns: each` one an exchange."""
    stream = iter(records)
    batches = iter(lambda: list(islice(stream, BATCH_RECORDS)), [])
    tabulate = partial(_tabulate_batch, source, columns, turns)
    tables = list(map_slices(tabulate, batches)) or [tabulate([])]
    rows, places = pl.concat(table.rows for table in tables), pl.concat(table.places for table in tables)
    return RowTable(rows, places, sum(table.left_out for table in tables))


def join_places(origins: pl.DataFrame, tables: Iterable[RowTable]) -> pl.DataFrame:
    """The places (schema RowOrigins) of the rows `origins`, which have id, source, row and turn, in their order."""
    places = pl.concat(table.places for table in tables)
    joined = origins.join(places, on=["source", "row", "turn"], how="left", maintain_order="left")
    return joined.select("id", "source", "file", row="place", exchange="turn", fields="fields")


def _tabulate_batch(source: str, columns: PairColumns, turns: Turns, records: Iterable[SourceRecord]) -> RowTable:
    rows, places, left_out = [], [], 0
    for record in records:
        exchanges = reject(record.reason) if record.reason else read_exchanges(record.value, columns, turns)
        left_out += exchanges.left_out
        fields = _write_fields(record.value, columns)
        start = None if record.reason else _write_start(record.value)
        for turn, pair in enumerate(exchanges.pairs):
            rows.append((source, record.row, turn, None, pair.instruction, pair.response, pair.reason))
            places.append((source, record.row, turn, record.file, record.place, fields, start, pair.has_context))
    return RowTable(
        tabulate_texts(rows),
        pl.DataFrame(places, schema=PLACE_COLUMNS, orient="row"),
        left_out,
    )


def _write_fields(value: object, columns: PairColumns) -> str:
    """A JSON object; what JSON has no word for, such as a date, is text."""
    fields = list_other_fields(value, columns) if isinstance(value, Mapping) else {}
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
