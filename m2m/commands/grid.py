"""Runs the grid of params.yaml: queues the cells that no experiment holds, minds the workers, collects the outcome."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from m2m.commands.collect import main as collect
from m2m.grid import dvc_experiments, workers
from m2m.grid.design import Scope, design, overrides, scope_of
from m2m.grid.gpu_locks import free_gpus, gpu_groups
from m2m.grid.params_file import read_settings
from m2m.grid.progress_table import clock
from m2m.grid.provenance import CELL, identities, identity, name_of, provenance
from m2m.grid.runner import log_of, mind
from m2m.runtime.cli import run
from m2m.training.finetuning.launch import count_gpus


def main(*, jobs: int = 0, quick: bool = False, full: bool = False) -> None:
    """Run every cell that `grid` in params.yaml asks for and that no experiment holds with this code and data.

    Ctrl-C ends the cells that run and keeps the queue: the same command goes on from there.

    Args:
        jobs: cells at once; 0 is as many as there are GPUs for, as the launch file has it, or else one a core.
        quick: three degrees, and one seed of each strategy.
        full: all seven degrees.
    """
    scope = scope_of(quick, full)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    workers.LOGS.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(workers.LOGS / "lock", timeout=0):
            _grid(read_settings(Path("params.yaml")), scope, jobs)
    except Timeout as error:
        raise ValueError("one grid runs in a repository at a time: wait for the other, or stop it") from error
    except subprocess.CalledProcessError as error:
        sys.exit(f"grid: {' '.join(error.cmd[:3])} … failed, and said above why")
    except KeyboardInterrupt:
        sys.exit("grid: stopped; finished cells are kept, and the same command goes on from there")


def _grid(settings: dict[str, Any], scope: Scope, jobs: int) -> None:
    if jobs < 0:
        raise ValueError(f"jobs must be 0 or more, got {jobs}: 0 chooses for this machine")
    if dvc_experiments.interrupted():
        raise ValueError(
            "HEAD is on no branch and git's stash holds something: an earlier run was killed while it queued a cell; "
            "put the workspace back with git checkout BRANCH and git stash pop"
        )
    if unknown := dvc_experiments.untracked():
        raise ValueError(
            f"git does not know {', '.join(unknown)}, which the cells' copies of the repository would lack: git add it "
            "(data: dvc add it, then git add the .dvc file and the .gitignore beside it)"
        )
    wanted = design(settings["grid"]["parts"], settings["subset"], scope)
    seconds, each = settings["grid"]["seconds"], count_gpus(Path(settings["launch"]))
    jobs = jobs or workers.most(each)
    whole = clock(len(wanted) * seconds / jobs)
    print(f"grid: {len(wanted)} cells, about {whole} if none is there; first the stages that they share", flush=True)
    _require_reachable(settings)
    dvc_experiments.workspace()  # what is declared wrongly is told before anything is trained
    _share(each)
    shared = provenance(dvc_experiments.workspace())
    cells = {identity(shared, cell): cell for cell in wanted}
    there = _there()
    todo = {name_of(cell, known): cell for known, cell in cells.items() if known not in there}
    estimate = (
        f"{len(todo)} × {seconds:.0f} s on {jobs} worker{'s'[: jobs != 1]}: about {clock(len(todo) * seconds / jobs)}"
    )
    print(f"grid: {len(cells) - len(todo)} of {len(cells)} cells are there; {estimate}", flush=True)
    if todo:
        mind({name: overrides(cell, settings["subset"]) for name, cell in todo.items()}, jobs, each, seconds)
    ended = _there()
    missing = sorted(name_of(cell, known) for known, cell in cells.items() if known not in ended)
    if len(missing) < len(cells):
        collect(current=True)
        subprocess.run(["dvc", "repro", "metrics/dvc.yaml"], check=True)
    _end(missing, len(cells))


def _require_reachable(settings: dict[str, Any]) -> None:
    """A cell runs in a copy of the repository, where a folder's relative name would be taken for a hub id."""
    named = {"embed.model": settings["embed"]["model"], "band.tokenizer": settings["band"]["tokenizer"]}
    if settings["judge"]["llm"] == "local":
        named["judge.endpoint.model"] = settings["judge"]["endpoint"]["model"]
    for setting, name in named.items():
        if Path(name).is_dir() and not Path(name).is_absolute():
            raise ValueError(f"{setting} must be an absolute path, got {name}: cells run in copies of the repository")


def _share(each: int) -> None:
    """Run the stages that all cells share, on `each` GPUs where there are some."""
    known = gpu_groups(each)
    with free_gpus(known, 1) as free:
        if known and not free:
            raise ValueError(
                f"other grids hold too many GPUs for this one, which needs {each}: wait for them, or export "
                "CUDA_VISIBLE_DEVICES= for none"
            )
        names = [name for name in dvc_experiments.stages() if name not in CELL]
        chosen = {"CUDA_VISIBLE_DEVICES": free.devices} if free else {}
        subprocess.run(["dvc", "repro", *names], env=os.environ | chosen, check=True)


def _there() -> set[str]:
    """The identities of the finished cells, over all experiments."""
    return identities(one.lock for one in dvc_experiments.experiments())


def _end(missing: Sequence[str], wanted: int) -> None:
    for name in missing:
        log = log_of(name)
        last = log.read_text(errors="replace").splitlines()[-12:] if log.exists() else ["nothing: see worker-*.log"]
        print(f"\n{name} failed; {log} ends with", *last, sep="\n  ")
    if missing:
        sys.exit(f"\ngrid: {len(missing)} of {wanted} cells are missing: {', '.join(missing)}")
    print(f"grid: all {wanted} cells are there")


if __name__ == "__main__":
    run(main)
