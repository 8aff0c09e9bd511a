"""Reads and writes Parquet tables slice by slice: the same rules as for whole tables, in little memory."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from m2m.runtime.artifacts import (
    COMPRESSION,
    GROUP_ROWS,
    RESTORE,
    get_columns,
    quote_error,
    require_file,
    validate_table,
)
from m2m.runtime.atomic_files import replace_file
from m2m.runtime.pandera_alone import pa

Key = tuple[str, ...]
TABLE_SLICE = 4 * GROUP_ROWS  # of 600 bytes: 150 MB


def read_slices(
    path: Path, model: type[pa.DataFrameModel], columns: Sequence[str] = (), rows: int = TABLE_SLICE
) -> Iterator[pl.DataFrame]:
    """The table at `path` in slices of `rows` rows, by rising id; `columns` alone where they are named.

    Each slice obeys `model`. A table of one slice may have any order. ValueError names the file where it is damaged, a
    rule is broken, or ids of several slices are not sorted.
    """
    names = list(columns or get_columns(model))
    total = count_table_rows(path)
    previous: Key = ()
    for start in range(0, max(total, 1), rows):
        try:
            piece = pl.scan_parquet(path, glob=False).slice(start, rows)
            table = (piece.select(names) if columns else piece).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise ValueError(f"{path} is damaged: {quote_error(error)}. {RESTORE}") from error
        validate_table(table, model, path, columns)
        if total <= rows and "id" in names and not table["id"].is_sorted():
            table = table.sort(model.to_schema().unique or "id")
        previous = _check_order(path, model, table, previous)
        yield table


def count_table_rows(path: Path) -> int:
    """The rows of the Parquet table at `path`; ValueError where it is damaged."""
    require_file(path)
    try:
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise ValueError(f"{path} is damaged: {quote_error(error)}. {RESTORE}") from error


def write_slices(path: Path, model: type[pa.DataFrameModel], slices: Iterable[pl.DataFrame]) -> int:
    """Write `slices`, one after the other, as `write_table` writes them together; returns the number of rows.

    Bytes are equal too, but for lists: above 65,536 rows the borders of their pages depend on the slices.
    ValueError where a slice breaks a rule of `model`, or ids are not sorted.
    """
    schema = {name: column.dtype.type for name, column in model.to_schema().columns.items()}
    count = 0

    def generate(*_: object) -> Iterator[pl.DataFrame]:
        nonlocal count
        previous: Key = ()
        for table in slices:
            validate_table(table, model, path)
            previous = _check_order(path, model, table, previous)
            count += table.height
            yield table

    with replace_file(path) as temporary:
        source = register_io_source(generate, schema=pl.Schema(schema))
        source.sink_parquet(temporary, compression=COMPRESSION, compression_level=3, row_group_size=GROUP_ROWS)
    return count


def _check_order(path: Path, model: type[pa.DataFrameModel], table: pl.DataFrame, previous: Key) -> Key:
    """The key of the last row of `table`; ids must rise from `previous` on, else equal keys of two slices go unseen."""
    if "id" not in table.columns or table.is_empty():
        return previous
    schema = model.to_schema()
    names = [name for name in schema.unique or ["id"] if name in table.columns]
    first, end = (table.select(names).row(index) for index in (0, -1))
    is_unique = bool(schema.unique or schema.columns["id"].unique) and len(names) == len(schema.unique or names)
    if first < previous or (first == previous and is_unique) or not table["id"].is_sorted():
        raise ValueError(f"{path} must be sorted by id, each row once, and is not. {RESTORE}")
    return end
