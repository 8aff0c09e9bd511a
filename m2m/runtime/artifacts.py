"""Reads and writes tables (parquet, CSV) and records (JSON); a schema checks them on both ways."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError

from m2m.runtime.atomic_files import replace_file, write_text
from m2m.runtime.held_stderr import hold_stderr
from m2m.runtime.pandera_alone import pa
from m2m.runtime.visible_text import LONGEST_QUOTE, make_visible, quote_value

Record = TypeVar("Record", bound=BaseModel)
RESTORE = "Restore the file (`dvc checkout`, `git restore` or `dvc pull`), or make it again with `dvc repro`."
LONGEST_MESSAGE = 160  # characters of a library's words
COMPRESSION: Literal["zstd"] = "zstd"  # of Parquet
GROUP_ROWS = 65_536


def read_table(path: Path, model: type[pa.DataFrameModel]) -> pl.DataFrame:
    """The table at `path`; ValueError names the file, and what is damaged in it or every broken rule of `model`.

    FileNotFoundError says how to get a file that is not there.
    """
    require_file(path)
    try:
        if path.suffix == ".csv":
            table = pl.read_csv(path, schema_overrides=get_columns(model), infer_schema_length=None)
        else:
            with hold_stderr():  # of a damaged file, polars' panic
                table = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OSError) as error:
        damage = _find_bad_value(path, model) if path.suffix == ".csv" else ""
        raise ValueError(f"{path} is damaged: {damage or quote_error(error)}. {RESTORE}") from error
    return validate_table(table, model, path)


def write_table(path: Path, model: type[pa.DataFrameModel], table: pl.DataFrame) -> None:
    """Write `table` to `path`, and make its folder; equal tables give equal bytes. CSV is for tables people plot."""
    checked = validate_table(table, model, path)
    with replace_file(path) as temporary:
        if path.suffix == ".csv":
            checked.write_csv(temporary)
            return
        checked.write_parquet(temporary, compression=COMPRESSION, compression_level=3, row_group_size=GROUP_ROWS)


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
    require_file(path)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must hold JSON: {quote_error(error)}. {RESTORE}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(record).__name__}. {RESTORE}")
    return record


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write `record` to `path`, and make its folder: sorted keys, indent 1; a NaN or infinity is a ValueError."""
    write_text(path, json.dumps(record, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def validate_table(
    table: pl.DataFrame, model: type[pa.DataFrameModel], path: Path, columns: Sequence[str] = ()
) -> pl.DataFrame:
    """`table`, of the file `path`, unchanged; ValueError with every broken rule of `model`, or of its `columns`."""
    try:
        if columns:
            return model.to_schema().select_columns(list(columns)).validate(table, lazy=True)
        return model.validate(table, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.sort("column", "check", "index").unique(["column", "check"], maintain_order=True)
        rules = "; ".join(_describe_case(case) for case in cases.rows(named=True))
        raise ValueError(f"{path} is not a valid {model.__name__} table: {rules}. {RESTORE}") from errors
    except pl.exceptions.PolarsError as error:  # of pandera, where a column with a default is missing beside others
        raise ValueError(f"{path} is not a valid {model.__name__} table: {quote_error(error)}. {RESTORE}") from error


def _describe_case(case: dict[str, Any]) -> str:
    row = "" if case["index"] is None else f" in row {case['index'] + 1}"
    value = make_visible(str(case["failure_case"]))
    return f"{make_visible(str(case['column']))}: {case['check']} ({value[:LONGEST_QUOTE]}){row}"


def _find_bad_value(path: Path, model: type[pa.DataFrameModel]) -> str:
    """Row, column and value of the first text in the CSV file that is not of its column's type; empty for none."""
    try:
        texts = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OSError):
        return ""
    for name, kind in get_columns(model).items():
        if name in texts.columns:
            bad = texts[name].is_not_null() & texts[name].cast(kind, strict=False).is_null()
            if (row := bad.arg_max()) is not None and bad[row]:
                return f"row {row + 1}, column {name}: {quote_value(texts[name][row])} is not of type {kind}"
    return ""


def require_file(path: Path) -> None:
    """FileNotFoundError where there is no file at `path`."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is not there: run `dvc repro`, or `dvc pull` where a colleague has made it already"
        )


def quote_error(error: BaseException) -> str:
    """The first line of a library's message, as far as a person can use it."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return make_visible(lines[0])[:LONGEST_MESSAGE].rstrip(" .:")


def _validate_record(record: dict[str, Any], model: type[Record], path: Path) -> Record:
    try:
        return model.model_validate(record)
    except ValidationError as errors:
        cases = [(".".join(map(str, case["loc"])) or "record", case) for case in errors.errors()]
        rules = "; ".join(
            f"{make_visible(field)}: {case['msg']} ({quote_value(case['input'])})" for field, case in cases
        )
        raise ValueError(f"{path} is not a valid {model.__name__} record: {rules}. {RESTORE}") from errors


def compute_md5(path: Path) -> str:
    """The hash by which DVC knows a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
