"""Runs a whole grid: the stages that its cells share, the cells that no experiment holds, then the study."""

import os
import subprocess
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from m2m.grid import dvc_experiments, workers
from m2m.grid.design import Cell, Scope, list_cells, list_overrides
from m2m.grid.finished_kinds import count_finished_kinds
from m2m.grid.gpu_sharing import require_room
from m2m.grid.machines.cluster import (
    ClusterOptions,
    explain_left_cells,
    fetch_absent_tables,
    open_cluster,
    push_inputs,
    run_cluster_cells,
)
from m2m.grid.named_parts import Parts, replace_parts
from m2m.grid.progress_table import format_duration
from m2m.grid.provenance import (
    CELL_STAGES,
    add_hardware,
    hash_cell,
    hash_finished_cells,
    hash_provenance,
    name_experiment,
)
from m2m.grid.queued_commit import write_snapshot
from m2m.grid.rungs import Rung, list_current_rungs, list_expected_cells
from m2m.grid.runner import locate_log, run_cells
from m2m.grid.shared_stages import (
    require_reachable_models,
    require_same_settings,
    require_tracked_files,
    run_shared_stages,
)
from m2m.grid.study_folder import write_study_folder
from m2m.planning.staging import check_schedule
from m2m.runtime.cli import explain_failed_program
from m2m.training.finetuning.launch import count_gpus

RunCells = Callable[[dict[str, list[str]], str], None]  # of overrides by cell, and the label of the progress table
MakeParts = Callable[[dict[str, Any]], Parts]
HOLDER = workers.LOGS / "process"  # the number of the process that holds the lock


def run_grid(
    settings: dict[str, Any],
    scope: Scope,
    jobs: int,
    folder: Path,
    *,
    options: ClusterOptions | None = None,
    make_parts: MakeParts | None = None,
) -> None:
    """Run the cells of `settings` (params.yaml) that no experiment holds, then the study in `folder`.

    `options` name other machines; None: this one. `make_parts` makes the parts of another grid from the settings, once
    the stages that all cells share have run; the study is then of its cells alone.

    `jobs` 0 chooses the number of workers. A staged grid runs one rung after the other. One grid runs in a repository
    at a time. SIGTERM, SIGHUP and Ctrl-C end it with its workers and cells; on a cluster only Ctrl-C ends the cells.
    """
    if jobs < 0:
        raise ValueError(f"jobs must be 0 or more, got {jobs}. 0 chooses a number for this machine.")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    workers.LOGS.mkdir(parents=True, exist_ok=True)
    end = workers.DriverEnded if options else KeyboardInterrupt
    try:
        with FileLock(workers.LOGS / "lock", timeout=0), workers.stop_on_signals(end):
            HOLDER.write_text(str(os.getpid()), encoding="utf-8")
            _run(settings, scope, jobs, folder, options, make_parts)
    except Timeout as error:
        number = HOLDER.read_text(encoding="utf-8") if HOLDER.exists() else "of unknown number"
        raise ValueError(
            f"Another grid runs in this repository (process {number}). Wait until it ends, or stop it."
        ) from error
    except subprocess.CalledProcessError as error:
        sys.exit(f"grid: {explain_failed_program(error)}")
    except KeyboardInterrupt:
        sys.exit("grid: stopped. Finished cells are kept; run the same command again to resume.")
    except workers.DriverEnded:
        sys.exit(f"grid: a signal ended the driver. {explain_left_cells(options.on if options else '')}")


def _run(
    settings: dict[str, Any],
    scope: Scope,
    jobs: int,
    folder: Path,
    options: ClusterOptions | None,
    make_parts: MakeParts | None,
) -> None:
    require_tracked_files()
    require_reachable_models(settings)
    check_schedule(**settings["grid"]["staged"])
    gpus_each = count_gpus(Path(settings["launch"]))
    lock = dvc_experiments.predict_lock()  # fails on a wrong dvc.yaml before a queue is waited in, anything is trained
    cluster = None
    if options:
        cells_by_kind = count_finished_kinds(lock, dvc_experiments.read_lock())
        cluster = open_cluster(options, Path(settings["launch"]), cells_by_kind)
    if cluster and options and options.on != "slurm":  # how many cells Slurm will run at once is unknown without --jobs
        jobs = cluster.engine.slots()
    if not cluster:
        jobs = jobs or workers.choose_worker_count(gpus_each)
    if make_parts is None:
        _print_size(settings, scope, jobs)
    stages = [name for name in dvc_experiments.list_stages() if name not in CELL_STAGES]
    run_shared_stages(stages, gpus_each, is_pulled=bool(cluster))
    if not cluster:
        require_room(settings, jobs, gpus_each)  # after the stage that counts tokens
    require_tracked_files()  # again: the shared stages may take hours
    lock, snapshot = dvc_experiments.predict_lock(), write_snapshot()  # the workspace may change while cells run
    require_same_settings(settings)
    if make_parts is not None:
        settings = replace_parts(settings, make_parts(settings))
    shared = hash_provenance(add_hardware(lock, cluster.hardware if cluster else ""))
    inputs = push_inputs(cluster, snapshot, stages) if cluster else None
    seconds = settings["grid"]["seconds"]

    def run(todo: dict[str, list[str]], label: str) -> None:
        if cluster and inputs:
            run_cluster_cells(cluster, inputs, todo, seconds, label)
        else:
            run_cells(todo, snapshot, jobs, gpus_each, seconds, label)

    cells, missing, is_settled = _run_rungs(settings, scope, shared, jobs, run)
    if len(missing) < len(cells):
        if cluster:
            fetch_absent_tables(set(cells))
        only = None if make_parts is None else set(cells)
        fresh = settings["grid"]["staged"]["fresh"]
        hardware = cluster.hardware if cluster else None
        lines = write_study_folder(folder, current=True, fresh=fresh, only=only, hardware=hardware, lock=lock)
        print(*lines, sep="\n")
        subprocess.run([sys.executable, "-m", "m2m", "study", str(folder)], check=True)
    _finish(missing, len(cells))
    if not is_settled:
        sys.exit(
            f"grid: the rungs choose by analyze.primary_outcome, {settings['analyze']['primary_outcome']}, which not "
            "all cells have, so the grid ends here. Name an outcome that they have."
        )


def _print_size(settings: dict[str, Any], scope: Scope, jobs: int) -> None:
    """Print how many cells the grid has, and how long they take if `jobs`, the cells at once, is known: not 0."""
    grid = settings["grid"]
    cells = list_cells(grid["parts"], settings["subset"], scope)
    if scope == "staged":
        cells = list_expected_cells(cells, check_schedule(**grid["staged"]))
    duration = f", about {format_duration(len(cells) * grid['seconds'] / jobs)} if none has run" if jobs else ""
    print(f"grid: {len(cells)} cells{duration}; shared stages first", flush=True)


def _run_rungs(
    settings: dict[str, Any], scope: Scope, shared: str, jobs: int, run: RunCells
) -> tuple[dict[str, Cell], list[str], bool]:
    """Run the grid, one rung after the other: its cells, the names of those that are missing, whether rungs ended it.

    A grid that is not staged has one rung.
    """
    schedule = check_schedule(**settings["grid"]["staged"])
    first = list_cells(settings["grid"]["parts"], settings["subset"], scope)
    rung_count = 0
    while True:
        rungs = list_current_rungs(first, schedule, shared, settings) if scope == "staged" else [Rung("", first)]
        cells = {hash_cell(shared, cell, settings): cell for rung in rungs for cell in rung.cells}
        missing = _run_missing(cells, rungs[-1].label, settings, jobs, run) if len(rungs) > rung_count else []
        if missing or len(rungs) == rung_count or scope != "staged":
            break
        rung_count = len(rungs)
    has_rivals = any(cell["strategy"] != "random" for cell in first)
    return cells, missing, scope != "staged" or len(rungs) > len(schedule.keep) or not has_rivals


def _run_missing(cells: dict[str, Cell], label: str, settings: dict[str, Any], jobs: int, run: RunCells) -> list[str]:
    """`run` the cells, by identity, that no experiment holds; the names of those that are missing afterwards.

    ValueError where an experiment of other contents has the name of such a cell.
    """
    todo = _select_missing(cells)
    if clashes := _list_clashes(todo):
        raise ValueError(_explain_clashes(clashes))
    seconds, words = settings["grid"]["seconds"], f"{label}; " if label else ""
    count = len(cells) - len(todo)
    print(f"grid: {words}{count} of {len(cells)} cells exist; {_estimate(len(todo), seconds, jobs)}", flush=True)
    if todo:
        orders = {name: list_overrides(cell, settings["subset"]) for name, cell in todo.items()}
        run(orders, label)
    return sorted(_select_missing(cells))


def _select_missing(cells: dict[str, Cell]) -> dict[str, Cell]:
    """The cells, by experiment name, of `cells` by identity that no experiment holds."""
    existing = list_finished()
    return {name_experiment(cell, key): cell for key, cell in cells.items() if key not in existing}


def _list_clashes(missing: Collection[str]) -> list[str]:
    """The names, of cells that are `missing`, that an experiment of other contents has."""
    return sorted(set(missing) & dvc_experiments.list_experiment_names().keys())


def _explain_clashes(names: Sequence[str]) -> str:
    listed = " ".join(names)
    return (
        f"Experiments with the names of missing cells have other code, data or settings: {listed}. "
        f"Remove them: dvc exp remove {listed} (and on a cluster: dvc exp remove --git-remote origin {listed}). "
        "Then run the same command again."
    )


def list_finished() -> set[str]:
    """The identities of the finished cells of all experiments."""
    return hash_finished_cells(cell.lock for cell in dvc_experiments.read_experiments())


def _estimate(count: int, seconds: float, jobs: int) -> str:
    if not jobs:
        return f"{count} × {seconds:.0f} s as Slurm has room"
    plural = "s"[: jobs != 1]
    return f"{count} × {seconds:.0f} s on {jobs} worker{plural}: about {format_duration(count * seconds / jobs)}"


def _finish(missing: Sequence[str], planned: int) -> None:
    clashes = _list_clashes(missing)
    for name in sorted(set(missing) - set(clashes)):
        log = locate_log(name)
        tail = log.read_text(errors="replace").splitlines()[-12:] if log.exists() else ["nothing: see worker-*.log"]
        print(f"\n{name} failed; the end of {log}:", *tail, sep="\n  ")
    if clashes:
        print(f"\n{_explain_clashes(clashes)}")
    if missing:
        sys.exit(f"\ngrid: {len(missing)} of {planned} cells are missing: {', '.join(missing)}")
    print(f"grid: all {planned} cells exist")
