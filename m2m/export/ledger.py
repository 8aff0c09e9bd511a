"""The ledger: a run → its row, results/NAME.yaml; a row → its inputs, and whether they give the same subset."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl
import yaml
from pydantic import ValidationError

from m2m.export.exported_run import SUBSET, ExportedRun, locate_files
from m2m.grid.dvc_experiments import locate_cached_file
from m2m.grid.provenance import get_cell_settings, hash_provenance
from m2m.runtime.artifacts import read_table
from m2m.runtime.atomic_files import write_text
from m2m.runtime.cli import NAME
from m2m.schemas.cell import MADE_WITH, CellMetrics
from m2m.schemas.ledger import LedgerRow
from m2m.schemas.subset import Subset

LEDGER = Path("results")


def require_name(name: str) -> None:
    """ValueError where a row cannot have this name."""
    if not NAME.fullmatch(name):
        raise ValueError(f"a row's name must be letters, digits, _ and -, such as longest-500, got {name!r}")


def make_row(name: str, run: ExportedRun) -> LedgerRow:
    """The row of a finished run. ValueError for a run that measured nothing."""
    if not run.metrics:
        raise ValueError(f"{run.name} has no metrics of a cell: run dvc repro, or name a finished experiment")
    stage = run.lock["subset@candidate"]
    table = read_table(locate_files(run, [SUBSET])[SUBSET], Subset)
    return LedgerRow(
        name=name,
        subset=get_cell_settings(run.lock),
        overlap=stage["params"]["overlap"],
        inputs={path: md5 for path, md5 in sorted(stage["deps"].items()) if path.endswith(".parquet")},
        rows=table.height,
        ids=hash_ids(table["id"]),
        lock=_hash(run.lock),
        provenance=hash_provenance(run.lock),
        figures={
            key: run.metrics[key] for key in CellMetrics.model_fields if key in run.metrics and key not in MADE_WITH
        },
    )


def write_row(row: LedgerRow, folder: Path = LEDGER) -> Path:
    """Write results/NAME.yaml, settings in the order of params.yaml. ValueError where the name is taken."""
    path = folder / f"{row.name}.yaml"
    if path.exists():
        raise ValueError(f"{path} exists: choose another name, or remove it first")
    write_text(path, yaml.safe_dump(row.model_dump(), sort_keys=False, allow_unicode=True))
    return path


def read_rows(folder: Path = LEDGER) -> list[LedgerRow]:
    """All rows, sorted by name. ValueError names the file and its first broken rule."""
    return [_read_row(path) for path in sorted(folder.glob("*.yaml"))]


def find_inputs(row: LedgerRow) -> dict[str, Path] | str:
    """Where DVC's cache has each input, by its path in the repository; or which one is not there."""
    files = {path: locate_cached_file(md5) for path, md5 in row.inputs.items()}
    missing = [path for path, file in files.items() if not file.is_file()]
    return f"{missing[0]} of this row is not in DVC's cache" if missing else files


def compare_ids(row: LedgerRow, ids: pl.Series) -> str:
    """How re-selected `ids` differ from those of the row; empty where they are the same."""
    if len(ids) != row.rows:
        return f"{len(ids)} rows were re-selected, the ledger has {row.rows}"
    return "" if hash_ids(ids) == row.ids else f"{row.rows} other rows were re-selected"


def hash_ids(ids: Iterable[str]) -> str:
    """SHA-256 of the sorted ids, one a line.

    >>> hash_ids(["b", "a"]) == hash_ids(["a", "b"]) != hash_ids(["a"])
    True
    """
    return hashlib.sha256("".join(f"{name}\n" for name in sorted(ids)).encode()).hexdigest()


def _read_row(path: Path) -> LedgerRow:
    try:
        row = LedgerRow.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} must be YAML: {' '.join(str(error).split())}. Restore it from git.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{path}: {place}: {first['msg']}. Write the row with `m2m ledger NAME`.") from error
    if row.name != path.stem:
        raise ValueError(f"{path} must have its name, {path.stem}, as `name`, got {row.name}. Rename the file.")
    return row


def _hash(lock: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(lock, sort_keys=True).encode()).hexdigest()
