"""Opens the run whose subset is exported: the workspace, or an experiment by name from DVC's cache."""

import hashlib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from m2m.grid.dvc_experiments import locate_cached_file, read_experiments, read_lock
from m2m.grid.provenance import Lock, is_consistent, is_finished
from m2m.runtime.artifacts import read_json
from m2m.strategies import SIDES

PAIRS, SUBSET, SUMMARY = "data/pairs.parquet", "data/subsets/candidate.parquet", "data/subsets/candidate.json"
TOKEN_FILES = {side: f"data/tokens/{side}.parquet" for side in SIDES}
METRIC_FILES = ("metrics/cell.json", "metrics/cell_details.json")
STAGES = ("tokenizer", "respond", "band@instruction", "band@response", "subset@candidate")


class ExportedRun(NamedTuple):
    """A run up to its subset; `metrics` are empty if nothing was trained on it."""

    name: str
    lock: Lock
    files: Mapping[str, Path]  # by path in the repository
    metrics: Mapping[str, Any]


def open_workspace() -> ExportedRun:
    """The run in the workspace. ValueError unless all of its files are of one run, as dvc.lock has them."""
    lock = read_lock()
    _require_one_run(lock, "dvc.lock")
    finished = is_finished(lock)
    for path, md5 in _list_hashes(lock, METRIC_FILES if finished else ()):
        if not Path(path).exists() or compute_md5(Path(path)) != md5:
            raise ValueError(f"{path} differs from dvc.lock. Run dvc repro, or dvc checkout.")
    metrics = {name: value for path in METRIC_FILES if finished for name, value in read_json(Path(path)).items()}
    return ExportedRun("the workspace", lock, {path: Path(path) for path, _ in _list_hashes(lock)}, metrics)


def open_experiment(name: str) -> ExportedRun:
    """The finished experiment `name`. ValueError if it is unknown or its files are not in DVC's cache."""
    experiments = {cell.name: cell for cell in read_experiments() if is_finished(cell.lock)}
    if name not in experiments:
        nearest = get_close_matches(name, experiments, n=1)
        hint = f"Did you mean {nearest[0]}?" if nearest else "dvc exp list --all-commits lists them."
        raise ValueError(f"{name} is not a finished experiment of this repository. {hint}")
    cell = experiments[name]
    _require_one_run(cell.lock, f"dvc.lock of {name}")
    files = {path: locate_cached_file(md5) for path, md5 in _list_hashes(cell.lock)}
    missing = [path for path, file in files.items() if not file.exists()]
    if missing:
        raise ValueError(f"{missing[0]} of {name} is not in DVC's cache. Run dvc exp pull origin {name}.")
    return ExportedRun(f"{name} ({cell.revision[:10]})", cell.lock, files, cell.metrics)


def compute_md5(path: Path) -> str:
    """The hash that DVC locks for a file."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _require_one_run(lock: Lock, name: str) -> None:
    if "ingest" not in lock or not is_consistent(lock, STAGES):
        raise ValueError(f"{name} must hold one run up to the subset. Run dvc repro {' '.join(STAGES[2:])}.")


def _list_hashes(lock: Lock, metrics: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Path and hash of every file that an export reads."""
    outs = {path: md5 for stage in lock.values() for path, md5 in stage["outs"].items()}
    for path in (PAIRS, SUBSET, SUMMARY, *TOKEN_FILES.values(), *metrics):
        yield path, outs.get(path, "")
