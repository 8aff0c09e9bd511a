"""Reads and writes study.json; its schema is checked both ways."""

import hashlib
from pathlib import Path

from m2m.runtime.artifacts import RESTORE, read_json, write_json
from m2m.runtime.visible_text import quote_value
from m2m.schemas.study import Study, validate_study


def read_study(path: Path) -> Study:
    """The study at `path`. ValueError: one sentence that names the file and the first key that is wrong."""
    record = read_json(path)
    try:
        return validate_study(record)
    except ValueError as error:
        raise ValueError(f"{path} is not a valid study: {error}. Run `python -m m2m study {path.parent}`.") from error


def write_study(path: Path, study: Study) -> None:
    """Write `study` to `path`. ValueError for a study that breaks the schema."""
    write_json(path, dict(validate_study(dict(study))))


def hash_grid(path: Path) -> str:
    """The SHA-256 of the grid's table at `path`."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def require_whole_grid(grid: Path, made: Path) -> None:
    """ValueError unless the table at `grid` is the one that was collected, as `made` recorded it.

    A table that was cut, or of which rows were lost in a copy, would give another study without a word. A `made` of
    before there were such records says nothing.
    """
    for name, entry in read_json(made).items():
        recorded = entry.get("grid", {}) if isinstance(entry, dict) else None
        if not isinstance(recorded, dict) or (recorded and not recorded.keys() >= {"rows", "sha256"}):
            raise ValueError(
                f"{made} must hold rows and sha256 of the grid, but {quote_value(name)} has {quote_value(entry)}. "
                f"{RESTORE}"
            )
        if recorded and recorded["sha256"] != hash_grid(grid):
            rows = max(0, len(grid.read_text(encoding="utf-8", errors="replace").splitlines()) - 1)
            raise ValueError(
                f"{grid} must be as it was collected, with {quote_value(recorded['rows'])} rows, but it has changed "
                f"and has {rows}. Run python -m m2m collect --folder {grid.parent}, or restore it from git."
            )
