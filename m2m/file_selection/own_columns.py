"""Turns the other fields of a person's records into columns, and counts rows by those that name sources or licences."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

MOST_COLUMNS = 100  # further fields stay out of the table: a record with keys like ids would have thousands
MOST_VALUES = 20  # of a column in the data card
LONGEST_VALUE = 60  # characters
ORIGIN_NAMES = ("source", "dataset", "data_source", "origin", "license", "licence")
NUMBER_TYPES = {int: pl.Int64, float: pl.Float64, bool: pl.Boolean}
LARGEST_INTEGER = 2**63


def parse_fields(fields: pl.Series) -> list[dict[str, Any]]:
    """The other fields of each row; infinities, which JSON cannot hold, are null."""
    parsed: list[dict[str, Any]] = [json.loads(text, parse_constant=lambda _: None) for text in fields]
    return parsed


def build_columns(records: Sequence[Mapping[str, Any]], reserved: Sequence[str]) -> pl.DataFrame:
    """A column a field, in the order of appearance; a name in `reserved` gets "_user" behind it.

    Numbers and truth values stay what they are where a column has nothing else; everything else is text or JSON.
    """
    names = list(dict.fromkeys(name for record in records for name in record))[:MOST_COLUMNS]
    columns, taken = [], set(reserved)
    for name in names:
        values = [record.get(name) for record in records]
        title = clean_text(name)
        while title in taken:
            title += "_user"
        taken.add(title)
        columns.append(_build_column(title, values))
    return pl.DataFrame(columns)


def tabulate_origins(
    records: Sequence[Mapping[str, Any]], subsets: Mapping[str, Sequence[int]]
) -> dict[str, list[dict[str, Any]]]:
    """For each field that names a source or a licence: its values, with the rows of each of `subsets` (row numbers)."""
    names = list(dict.fromkeys(name for record in records for name in record if name.lower() in ORIGIN_NAMES))
    return {f"By {name}": tabulate_values([record.get(name) for record in records], subsets) for name in names}


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
    if kinds == {int, float}:
        kinds, values = {float}, [None if value is None else float(value) for value in values]
    if len(kinds) == 1 and (kind := kinds.pop()) in NUMBER_TYPES and not _is_too_large(kind, values):
        return pl.Series(title, values, NUMBER_TYPES[kind])
    return pl.Series(title, [None if value is None else _write(value) for value in values], pl.String)


def _is_too_large(kind: type, values: list[Any]) -> bool:
    return kind is int and any(
        value is not None and not -LARGEST_INTEGER <= value < LARGEST_INTEGER for value in values
    )


def _write(value: object) -> str:
    return clean_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _shorten(value: object) -> str:
    text = " ".join(_write(value).split())
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
