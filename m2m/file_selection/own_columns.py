"""Turns the other fields of a person's records into columns, and counts rows by those that name sources or licences."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from m2m.export.trainer_formats import SelectFormat
from m2m.runtime.visible_text import quote_value

MOST_COLUMNS = 100  # further fields stay out of the table: a record with keys like ids would have thousands
QUOTED_NAMES = 3
MOST_VALUES = 20  # of a column in the data card
LONGEST_VALUE = 60  # characters
ORIGIN_NAMES = ("source", "dataset", "data_source", "origin", "license", "licence")
NUMBER_TYPES = {int: pl.Int64, float: pl.Float64, bool: pl.Boolean}
LARGEST_INTEGER = 2**63
LARGEST_EXACT = 2**53  # every integer up to it is a float


def parse_fields(fields: pl.Series) -> list[dict[str, Any]]:
    """The other fields of each row; infinities, which JSON cannot hold, are null."""
    parsed: list[dict[str, Any]] = [json.loads(text, parse_constant=lambda _: None) for text in fields]
    return parsed


def list_fields(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the fields of all records, in the order of appearance."""
    return list(dict.fromkeys(name for record in records for name in record))


def name_columns(names: Sequence[str], reserved: Sequence[str]) -> dict[str, str]:
    """The column of each field of `names`: a name in `reserved`, or of another column, gets "_user" behind it."""
    columns, occupied = {}, set(reserved)
    for name in names:
        column = clean_text(name)
        while column in occupied:
            column += "_user"
        occupied.add(column)
        columns[name] = column
    return columns


def describe_further_fields(names: Sequence[str], form: SelectFormat) -> list[str]:
    """A sentence on the fields for which the tables have no column; empty where all have one."""
    further = names[MOST_COLUMNS:]
    if not further:
        return []
    quoted = ", ".join(map(quote_value, further[:QUOTED_NAMES])) + " …" * (len(further) > QUOTED_NAMES)
    count = f"{len(further):,} of your {len(names):,} ({quoted})"
    if form == "parquet":
        return [
            f"rows.parquet and data.parquet take {MOST_COLUMNS} fields and lack {count}: any other --format has all"
        ]
    return [f"rows.parquet takes {MOST_COLUMNS} fields and lacks {count}: data.jsonl has all"]


def build_columns(records: Sequence[Mapping[str, Any]], names: Sequence[str], reserved: Sequence[str]) -> pl.DataFrame:
    """A column a field of `names`, as `name_columns` names it; of the first 100.

    Numbers and truth values stay what they are where a column has nothing else; everything else is text or JSON.
    Integers beside fractions become fractions where none has more than 2**53: above it they would lose digits.
    """
    columns = name_columns(names[:MOST_COLUMNS], reserved)
    return pl.DataFrame(
        [_build_column(column, [record.get(name) for record in records]) for name, column in columns.items()]
    )


def tabulate_origins(
    records: Sequence[Mapping[str, Any]], names: Sequence[str], subsets: Mapping[str, Sequence[int]]
) -> dict[str, list[dict[str, Any]]]:
    """For each field of `names` that names a source or a licence: its values, with the rows of each of `subsets`.

    `subsets` are row numbers.
    """
    origins = [name for name in names if name.lower() in ORIGIN_NAMES]
    return {f"By {name}": tabulate_values([record.get(name) for record in records], subsets) for name in origins}


def tabulate_values(values: Sequence[object], subsets: Mapping[str, Sequence[int]]) -> list[dict[str, Any]]:
    """One row a value, most frequent first, with the count and share of rows in each of `subsets`."""
    texts = pl.Series("value", ["not stated" if value is None else _shorten(value) for value in values], pl.String)
    frequent = texts.value_counts().sort("count", "value", descending=[True, False])["value"][:MOST_VALUES].to_list()
    texts = texts.replace_strict(frequent, frequent, default="(other values)")
    listed = [*frequent, "(other values)"] if "(other values)" in texts else frequent
    table: list[dict[str, Any]] = [{"value": value} for value in listed]
    for name, rows in subsets.items():
        counts = dict(texts.gather(list(rows)).value_counts().rows())
        for entry, value in zip(table, listed, strict=True):
            count = counts.get(value, 0)
            entry[name] = f"{count:,} ({100 * count / max(len(rows), 1):.1f} %)"
    return table


def clean_text(text: str) -> str:
    """`text` with half surrogates, which no file holds, spelled out."""
    return text.encode(errors="backslashreplace").decode()


def _build_column(title: str, values: list[Any]) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float} and _are_exact(values):
        kinds, values = {float}, [None if value is None else float(value) for value in values]
    if len(kinds) == 1 and (kind := kinds.pop()) in NUMBER_TYPES and not _is_too_large(kind, values):
        return pl.Series(title, values, NUMBER_TYPES[kind])
    return pl.Series(title, [None if value is None else _write(value) for value in values], pl.String)


def _are_exact(values: list[Any]) -> bool:
    return all(abs(value) <= LARGEST_EXACT for value in values if isinstance(value, int))


def _is_too_large(kind: type, values: list[Any]) -> bool:
    return kind is int and any(
        value is not None and not -LARGEST_INTEGER <= value < LARGEST_INTEGER for value in values
    )


def _write(value: object) -> str:
    return clean_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _shorten(value: object) -> str:
    text = " ".join(_write(value).split())
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
