"""Reads and writes tables (parquet, CSV) and records (JSON); a schema checks them on both ways."""

import json
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError

from m2m.runtime.atomic_files import replace_file, write_text
from m2m.runtime.pandera_alone import pa

Record = TypeVar("Record", bound=BaseModel)


def read_table(path: Path, model: type[pa.DataFrameModel]) -> pl.DataFrame:
    """The table at `path`; ValueError names the file and every broken rule of `model`."""
    if path.suffix == ".csv":
        table = pl.read_csv(path, schema_overrides=get_columns(model), infer_schema_length=None)
        return _validate_table(table, model, path)
    return _validate_table(pl.read_parquet(path), model, path)


def write_table(path: Path, model: type[pa.DataFrameModel], table: pl.DataFrame) -> None:
    """Write `table` to `path`, and make its folder; equal tables give equal bytes. CSV is for tables people plot."""
    checked = _validate_table(table, model, path)
    with replace_file(path) as temporary:
        if path.suffix == ".csv":
            checked.write_csv(temporary)
            return
        checked.write_parquet(temporary, compression="zstd", compression_level=3, row_group_size=65_536)


def get_columns(model: type[pa.DataFrameModel]) -> dict[str, pl.DataType]:
    """The columns that `model` names, with their types: a schema for polars."""
    return {name: column.dtype.type for name, column in model.to_schema().columns.items()}


def require_ids(path: Path, table: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """`table`, read from `path`, unchanged; ValueError when it has an id outside `ids`, which it must refer to."""
    strange = table["id"].filter(~table["id"].is_in(ids.implode()))
    if len(strange):
        raise ValueError(
            f"{path} has id {strange[0]!r}, which is not in the table it refers to (stale file?): run dvc repro"
        )
    return table


def read_record(path: Path, model: type[Record]) -> Record:
    """The record at `path`; ValueError names the file and every broken rule of `model`."""
    return _validate_record(read_json(path), model, path)


def write_record(path: Path, model: type[Record], record: dict[str, Any]) -> None:
    """Write `record` to `path` in the order of the fields of `model`; fields that are absent are left out."""
    fields = _validate_record(record, model, path).model_dump(exclude_unset=True)
    write_text(path, json.dumps(fields, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object at `path`; ValueError names the file when it holds anything else."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must hold JSON: {error}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(record).__name__}")
    return record


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write `record` to `path`, and make its folder: sorted keys, indent 1; a NaN or infinity is a ValueError."""
    write_text(path, json.dumps(record, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _validate_table(table: pl.DataFrame, model: type[pa.DataFrameModel], path: Path) -> pl.DataFrame:
    try:
        return model.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.unique(["column", "check"]).sort("column", "check")
        rules = "; ".join(f"{row['column']}: {row['check']} ({row['failure_case']})" for row in cases.rows(named=True))
        raise ValueError(f"{path} is not a valid {model.__name__} table: {rules}") from errors


def _validate_record(record: dict[str, Any], model: type[Record], path: Path) -> Record:
    try:
        return model.model_validate(record)
    except ValidationError as errors:
        cases = [(".".join(map(str, case["loc"])) or "record", case) for case in errors.errors()]
        rules = "; ".join(f"{field}: {case['msg']} ({case['input']!r:.60})" for field, case in cases)
        raise ValueError(f"{path} is not a valid {model.__name__} record: {rules}") from errors
