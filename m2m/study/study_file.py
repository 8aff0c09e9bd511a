"""Reads and writes study.json; its schema is checked both ways."""

from pathlib import Path

from m2m.runtime.artifacts import read_json, write_json
from m2m.schemas.study import Study, validate_study


def read_study(path: Path) -> Study:
    """The study at `path`. ValueError: one sentence that names the file and the first key that is wrong."""
    record = read_json(path)
    try:
        return validate_study(record)
    except ValueError as error:
        raise ValueError(f"{path} is not a valid study: {error}. Run `dvc repro metrics/dvc.yaml`.") from error


def write_study(path: Path, study: Study) -> None:
    """Write `study` to `path`. ValueError for a study that breaks the schema."""
    write_json(path, dict(validate_study(dict(study))))
