"""Cells as elements of Slurm's job arrays, which outlive the driver: a folder an array has its orders and reports."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from m2m.grid.machines.hardware import Needs, explain_refusal, state_expected
from m2m.grid.machines.remote_runner import CellEngine, CellState, Order
from m2m.grid.workers import LOGS
from m2m.node_facts import Facts

ARRAYS = LOGS / "slurm"
LOOK_SECONDS = 5.0  # seconds between two questions to Slurm's controller
EXCLUDE = "--exclude="
QUEUED = ("PENDING", "REQUEUED", "REQUEUE_HOLD")  # states of what squeue lists; all others run
SBATCH_LIMITS = {"TIMEOUT": "time", "OUT_OF_MEMORY": "mem", "DEADLINE": "deadline"}  # by the state that breaks it


class Element(NamedTuple):
    """A cell's place in an array."""

    folder: Path
    place: int


class SlurmCells:
    """The cells of one grid in Slurm's queue."""

    def __init__(
        self, program: bytes, needs: Needs, sample: Facts, driver: Facts, words: Sequence[str], limit: int
    ) -> None:
        self.program, self.needs, self.sample, self.driver = program, needs, sample, driver
        self.words, self.limit = list(words), limit
        self.excluded: list[str] = []
        self.listed = list_elements()
        self.asked = time.monotonic()
        self.elements = {name: element for name, element in _read_arrays().items() if element in self.listed}

    def open_engine(self) -> CellEngine:
        """The functions that the runner calls."""
        return CellEngine(self.submit, self.look, self.stop, self.count_slots)

    def submit(self, orders: Sequence[Order]) -> None:
        """Queue the cells as one array, without those that an earlier driver queued."""
        expected = state_expected(self.driver, self.sample, self.needs.gpus)
        absent = [{**order, "expected": expected} for order in orders if order["name"] not in self.elements]
        if not absent:
            return
        folder = ARRAYS / f"m2m-{time.time_ns():x}"
        folder.mkdir(parents=True)
        (folder / "cell.pyz").write_bytes(self.program)
        (folder / "orders.json").write_text(json.dumps(absent), encoding="utf-8")
        self.elements |= {order["name"]: Element(folder, index) for index, order in enumerate(absent)}
        parallel = f"%{self.limit}" if self.limit else ""
        files = [str((folder / name).resolve()) for name in ("cell.pyz", "orders.json")]
        (folder / "job.sh").write_text('#!/bin/sh\nexec "$@"\n')
        options = [
            *self._list_options(),
            f"--job-name={folder.name}",
            f"--array=0-{len(absent) - 1}{parallel}",
            "--requeue",
        ]
        options += ["--open-mode=append", f"--output={folder.resolve()}/%a.out"]
        options += [str(folder / "job.sh"), sys.executable, files[0], "run", files[1]]
        (folder / "job").write_text(_ask("sbatch", "--parsable", *options).split(";")[0].strip(), encoding="utf-8")
        self.asked = 0.0

    def look(self) -> dict[str, CellState]:
        """The state of every cell that was submitted; one that has ended is forgotten."""
        if time.monotonic() - self.asked > LOOK_SECONDS:
            self.listed, self.asked = list_elements(), time.monotonic()
        states = {}
        for name, element in list(self.elements.items()):
            report = element.folder / f"{name}.report"
            if report.exists():
                states[name] = self._read_report(report)
            elif element in self.listed:
                states[name] = self.listed[element]
            else:
                states[name] = explain_end(element)
            if states[name].state not in ("queued", "running"):
                del self.elements[name]
        return states

    def stop(self) -> None:
        """Cancel all cells."""
        for folder in {element.folder for element in self.elements.values()}:
            _ask("scancel", f"--name={folder.name}")

    def count_slots(self) -> int:
        """How many cells run at once: at most `limit`; without one, as many as run now."""
        return self.limit or max(1, sum(state.state == "running" for state in self.listed.values()))

    def _list_options(self) -> list[str]:
        gpus = [f"--gres=gpu:{self.needs.gpus}"] if self.needs.gpus else []
        words = [word for word in self.words if not word.startswith(EXCLUDE)]
        given = [word.removeprefix(EXCLUDE) for word in self.words if word.startswith(EXCLUDE)]
        nodes = ",".join(dict.fromkeys([*given, *self.excluded]))  # in one option: of two, sbatch reads the last
        excluded = [f"{EXCLUDE}{nodes}"] if nodes else []
        return ["--ntasks=1", f"--cpus-per-task={self.needs.cpus}", *gpus, *excluded, *words]

    def _read_report(self, path: Path) -> CellState:
        report = json.loads(path.read_text(encoding="utf-8"))
        if report["outcome"] == "refused":
            path.unlink()
            self.excluded.append(report["node"])
            reason = explain_refusal(report["facts"], self.sample, self.driver, self.needs.gpus)
            return CellState("refused", report["node"], reason)
        return CellState(report["outcome"], report["node"], report["reason"], report["log"])


def open_slurm(
    program: bytes, needs: Needs, driver: Facts, words: Sequence[str], limit: int
) -> tuple[CellEngine, Facts]:
    """The engine of Slurm with these options of sbatch, and the facts of the node that Slurm chose first.

    ValueError without Slurm, or where it runs nothing with these options.
    """
    if not shutil.which("sbatch"):
        raise ValueError("--on slurm needs Slurm's commands, but there is no sbatch: run this on a login node.")
    ARRAYS.mkdir(parents=True, exist_ok=True)
    path = ARRAYS / "facts.pyz"
    path.write_bytes(program)
    gpus = [f"--gres=gpu:{needs.gpus}"] if needs.gpus else []
    options = ["--quiet", "--ntasks=1", f"--cpus-per-task={needs.cpus}", *gpus, *words]
    print("grid: asks Slurm for one node, and waits in its queue until one is free", flush=True)
    answer = _ask("srun", *options, sys.executable, str(path.resolve()), "facts")
    sample = json.loads(answer.strip().splitlines()[-1])
    return SlurmCells(program, needs, sample, driver, words, limit).open_engine(), sample


def list_elements() -> dict[Element, CellState]:
    """The cells of all arrays in Slurm's queue, of this repository."""
    listed = {}
    for line in _ask("squeue", "--me", "--array", "--noheader", "--format=%K|%T|%N|%j").splitlines():
        index, state, node, name = line.strip().split("|", 3)
        if (ARRAYS / name).is_dir() and name.startswith("m2m-"):
            listed[Element(ARRAYS / name, int(index))] = CellState("queued" if state in QUEUED else "running", node)
    return listed


def _read_arrays() -> dict[str, Element]:
    """The cells of all arrays that have been queued from this repository; of one that was queued twice the last."""
    files = sorted(ARRAYS.glob("m2m-*/orders.json"))
    orders = [(file.parent, json.loads(file.read_text(encoding="utf-8"))) for file in files]
    return {order["name"]: Element(folder, index) for folder, listed in orders for index, order in enumerate(listed)}


def explain_end(element: Element) -> CellState:
    """Why a cell left the queue without a report, as far as Slurm still knows."""
    job = (element.folder / "job").read_text(encoding="utf-8") if (element.folder / "job").exists() else "unknown"
    process = subprocess.run(
        ["scontrol", "show", "job", f"{job}_{element.place}"], capture_output=True, text=True, check=False
    )
    fields = dict(word.split("=", 1) for word in process.stdout.split() if "=" in word)
    state, node = fields.get("JobState", "gone from Slurm's queue"), fields.get("NodeList", "")
    if state in SBATCH_LIMITS:
        return CellState("failed", node, f"Slurm ended it with {state}: raise {SBATCH_LIMITS[state]} in --sbatch")
    if state in ("FAILED", "COMPLETED"):
        output = element.folder / f"{element.place}.out"
        log = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
        return CellState("failed", node, f"it ended without a report, with exit code {fields['ExitCode']}", log)
    return CellState("lost", node, state)


def _ask(*words: str) -> str:
    """What a command of Slurm prints; again while the controller is away. ValueError with its reason in the end."""
    for pause in (2, 5, 10, 20, 40, 60, 0):
        process = subprocess.run(words, capture_output=True, text=True, check=False, env=_drop_allocation())
        if not process.returncode:
            return process.stdout
        if "ontact" not in process.stderr:  # (Unable to contact slurm controller, or: Communication connection failure)
            break
        time.sleep(pause)
    raise ValueError(f"{words[0]} refused: {' '.join(process.stderr.split())}. Change the options in --sbatch.")


def _drop_allocation() -> dict[str, str]:
    """Without the variables of an allocation that this process may itself run in: they would be options."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SLURM_") or name == "SLURM_CONF"}
