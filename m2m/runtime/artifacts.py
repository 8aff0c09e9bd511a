"""Reads and writes tables: one parquet or CSV file, one pandera model, checked both ways."""

from pathlib import Path

import pandera.polars as pa
import polars as pl


def read_table(path: Path, model: type[pa.DataFrameModel]) -> pl.DataFrame:
    """The table at `path`; ValueError names the file and every broken rule of `model`."""
    if path.suffix == ".csv":
        table = pl.read_csv(path, schema_overrides=get_columns(model), infer_schema_length=None)
        return _checked(table, model, path)
    return _checked(pl.read_parquet(path), model, path)


def write_table(path: Path, model: type[pa.DataFrameModel], table: pl.DataFrame) -> None:
    """Write `table` to `path`, and its folder too; equal tables give equal bytes. CSV is for tables people plot."""
    path.parent.mkdir(parents=True, exist_ok=True)
    checked = _checked(table, model, path)
    if path.suffix == ".csv":
        checked.write_csv(path)
    else:
        checked.write_parquet(path, compression="zstd", compression_level=3, row_group_size=65_536)


def get_columns(model: type[pa.DataFrameModel]) -> dict[str, pl.DataType]:
    """The columns that `model` names, with their types: a schema for polars."""
    return {name: column.dtype.type for name, column in model.to_schema().columns.items()}


def require_ids(path: Path, table: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """`table`, read from `path`, as it is; ValueError when one of its ids is none of `ids`, which it must refer to."""
    strange = table["id"].filter(~table["id"].is_in(ids.implode()))
    if len(strange):
        raise ValueError(f"{path} has id {strange[0]!r}, which is no row of what it refers to: run dvc repro")
    return table


def _checked(table: pl.DataFrame, model: type[pa.DataFrameModel], path: Path) -> pl.DataFrame:
    try:
        return model.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.unique(["column", "check"]).sort("column", "check")
        broken = "; ".join(f"{row['column']}: {row['check']} ({row['failure_case']})" for row in cases.rows(named=True))
        raise ValueError(f"{path} is no valid {model.__name__} table: {broken}") from errors
