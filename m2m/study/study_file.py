"""Reads and writes study.json, and reads made.json beside it; their schemas are checked."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from m2m.runtime.artifacts import read_json, write_json
from m2m.schemas.made import Made, validate_made
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


def read_made(path: Path) -> dict[str, Made]:
    """The record at `path`, by provenance. ValueError: one sentence that names the file and the first wrong key."""
    record = read_json(path)
    try:
        return validate_made(record)
    except ValueError as error:
        raise ValueError(
            f"{path} is not a valid record of a grid: {error}. Run `python -m m2m collect --folder {path.parent}`, or "
            "restore it from git."
        ) from error


def require_made(made: Mapping[str, Made], provenance: str, path: Path) -> Made:
    """The entry of `provenance` in the record at `path`; ValueError where it has none."""
    if provenance not in made:
        raise ValueError(
            f"{path} has nothing of provenance {provenance}, of which the study is. Run `python -m m2m collect "
            f"--folder {path.parent}`, then `python -m m2m study {path.parent}`."
        )
    return made[provenance]


def hash_grid(path: Path) -> str:
    """The SHA-256 of the grid's table at `path`."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def require_whole_grid(grid: Path, made: Path) -> None:
    """ValueError unless the table at `grid` is the one that was collected, as `made` recorded it.

    A table that was cut, or of which rows were lost in a copy, would give another study without a word. A `made` of
    before there were such records says nothing.
    """
    for entry in read_made(made).values():
        recorded = entry.get("grid")
        if recorded and recorded["sha256"] != hash_grid(grid):
            rows = max(0, len(grid.read_text(encoding="utf-8", errors="replace").splitlines()) - 1)
            raise ValueError(
                f"{grid} must be as it was collected, with {recorded['rows']} rows, but it has changed "
                f"and has {rows}. Run python -m m2m collect --folder {grid.parent}, or restore it from git."
            )
