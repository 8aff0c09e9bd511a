"""Opens the run whose subset is exported: the workspace, or an experiment by name from DVC's cache."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from m2m.grid.dvc_experiments import BASE_FILE, locate_cached_file, read_experiments, read_lock
from m2m.grid.provenance import Lock, collect_outs, is_consistent, is_finished
from m2m.runtime.artifacts import compute_md5, read_json
from m2m.strategies import SIDES

PAIRS, SUBSET, SUMMARY = "data/pairs.parquet", "data/subsets/candidate.parquet", "data/subsets/candidate.json"
TOKEN_FILES = {side: f"data/tokens/{side}.parquet" for side in SIDES}
EXPORT_FILES = (PAIRS, SUBSET, SUMMARY, *TOKEN_FILES.values())
METRIC_FILES = ("metrics/cell.json", "metrics/cell_details.json")
STAGES = ("tokenizer", "respond", "band@instruction", "band@response", "subset@candidate")


WORKSPACE = "the workspace"


class ExportedRun(NamedTuple):
    """A run up to its subset; `metrics` are empty if nothing was trained on it."""

    name: str
    lock: Lock
    files: Mapping[str, Path]  # by path in the repository
    metrics: Mapping[str, Any]
    base: Mapping[str, Any]  # what is said of the base model; empty if no base was made


def open_run(experiment: str | None) -> ExportedRun:
    """The finished experiment of that name, or the workspace, with the files that an export reads.

    ValueError unless all of them are of one run, as its dvc.lock has them, and are here.
    """
    if experiment is not None:
        run = find_experiment(experiment)
        _require_one_run(run.lock, f"dvc.lock of {experiment}")
        return run._replace(files=locate_files(run, EXPORT_FILES))
    lock = read_lock()
    _require_one_run(lock, "dvc.lock")
    run = ExportedRun(WORKSPACE, lock, {}, {}, {})
    finished = METRIC_FILES if is_finished(lock) else ()
    base = [BASE_FILE] if any(BASE_FILE in stage["outs"] for stage in lock.values()) else []
    files = locate_files(run, [*EXPORT_FILES, *finished, *base])
    metrics = {name: value for path in finished for name, value in read_json(files[path]).items()}
    return run._replace(files=files, metrics=metrics, base=read_json(files[BASE_FILE]) if base else {})


def locate_files(run: ExportedRun, paths: Iterable[str]) -> dict[str, Path]:
    """Where the contents are that `run` has at `paths`: the workspace, or DVC's cache. ValueError unless they are."""
    outs = collect_outs(run.lock)
    if run.name == WORKSPACE:
        for path in paths:
            if not Path(path).exists() or compute_md5(Path(path)) != outs.get(path):
                raise ValueError(f"{path} differs from dvc.lock. Run dvc repro, or dvc checkout.")
        return {path: Path(path) for path in paths}
    files = {path: locate_cached_file(outs.get(path, "")) for path in paths}
    if missing := [path for path, file in files.items() if not file.is_file()]:
        name = run.name.split(" ")[0]
        raise ValueError(f"{missing[0]} of {name} is not in DVC's cache. Run dvc exp pull origin {name}.")
    return files


def find_experiment(name: str) -> ExportedRun:
    """The finished experiment of that name, without files; ValueError names the nearest one."""
    experiments = {cell.name: cell for cell in read_experiments() if is_finished(cell.lock)}
    if name not in experiments:
        nearest = get_close_matches(name, experiments, n=1)
        hint = f"Did you mean {nearest[0]}?" if nearest else "dvc exp list --all-commits lists them."
        raise ValueError(f"{name} is not a finished experiment of this repository. {hint}")
    cell = experiments[name]
    return ExportedRun(f"{name} ({cell.revision[:10]})", cell.lock, {}, cell.metrics, cell.base)


def _require_one_run(lock: Lock, name: str) -> None:
    if "ingest" not in lock or not is_consistent(lock, STAGES):
        raise ValueError(f"{name} must hold one run up to the subset. Run dvc repro {' '.join(STAGES[2:])}.")
