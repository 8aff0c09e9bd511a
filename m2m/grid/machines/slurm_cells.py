"""Cells as elements of Slurm's job arrays, which outlive the driver: a folder an array has its orders and reports."""

import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from m2m.grid.dvc_experiments import HARDWARE_MESSAGE
from m2m.grid.machines.hardware import Needs, explain_refusal, state_expected
from m2m.grid.machines.remote_runner import CellEngine, CellState, Order
from m2m.grid.machines.slurm_calls import ask_slurm, read_largest_array, submit_array
from m2m.grid.workers import LOGS
from m2m.node_facts import Facts
from m2m.runtime.atomic_files import write_text

ARRAYS = LOGS / "slurm"
LOOK_SECONDS = 5.0  # seconds between two questions to Slurm's controller
EXCLUDE = "--exclude="
QUEUED = ("PENDING", "REQUEUED", "REQUEUE_HOLD")  # states of what squeue lists; all others run
ACTIVE = ("RUNNING", "CONFIGURING", "COMPLETING", "RESIZING", "SIGNALING", "STAGE_OUT", "STOPPED", "SUSPENDED")
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
        queued = [(order, element) for order, element in _read_arrays() if element in self.listed]
        self.elements = {order["name"]: element for order, element in queued}
        self.queued_kinds = Counter(order["message"].removeprefix(HARDWARE_MESSAGE) for order, _ in queued)

    def open_engine(self) -> CellEngine:
        """The functions that the runner calls."""
        return CellEngine(self.submit, self.look, self.stop, self.count_slots)

    def submit(self, orders: Sequence[Order]) -> None:
        """Queue the cells as arrays as large as Slurm allows, without those that an earlier driver queued."""
        expected = state_expected(self.driver, self.sample, self.needs.gpus)
        absent = [{**order, "expected": expected} for order in orders if order["name"] not in self.elements]
        if not absent:
            return
        after, size = "", read_largest_array()
        for start in range(0, len(absent), size):
            after = self._submit_array(absent[start : start + size], after)
        self.asked = 0.0

    def _submit_array(self, orders: Sequence[Order], after: str) -> str:
        """Queue the cells as one array, with a limit after the array `after`; the number of the new one."""
        folder = ARRAYS / f"m2m-{time.time_ns():x}"
        folder.mkdir(parents=True)
        (folder / "cell.pyz").write_bytes(self.program)
        write_text(folder / "orders.json", json.dumps(orders))
        self.elements |= {order["name"]: Element(folder, index) for index, order in enumerate(orders)}
        parallel = f"%{self.limit}" if self.limit else ""
        files = [str((folder / name).resolve()) for name in ("cell.pyz", "orders.json")]
        (folder / "job.sh").write_text('#!/bin/sh\nexec "$@"\n')
        options = [*self._list_options(), f"--array=0-{len(orders) - 1}{parallel}", "--requeue"]
        options += [f"--dependency=afterany:{after}"] if after and self.limit else []
        options += ["--open-mode=append", f"--output={folder.resolve()}/%a.out"]
        options += [str(folder / "job.sh"), sys.executable, files[0], "run", files[1]]
        number = submit_array(folder.name, *options)
        (folder / "job").write_text(number, encoding="utf-8")
        return number

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
            ask_slurm("scancel", f"--name={folder.name}")

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
            return CellState("refused", report["node"], report["reason"] or reason)
        return CellState(report["outcome"], report["node"], report["reason"], report["log"])


def open_slurm(
    program: bytes, needs: Needs, driver: Facts, words: Sequence[str], limit: int
) -> tuple[CellEngine, Facts, Counter[str]]:
    """The engine of Slurm with these options of sbatch, and the facts of the node that Slurm chose first.

    Third how many cells of this repository are in Slurm's queue, by kind of hardware. ValueError without Slurm, or
    where it runs nothing with these options.
    """
    if not shutil.which("sbatch"):
        raise ValueError("--on slurm needs Slurm's commands, but there is no sbatch: run this on a login node.")
    ARRAYS.mkdir(parents=True, exist_ok=True)
    path = ARRAYS / "facts.pyz"
    path.write_bytes(program)
    gpus = [f"--gres=gpu:{needs.gpus}"] if needs.gpus else []
    options = ["--quiet", "--ntasks=1", f"--cpus-per-task={needs.cpus}", *gpus, *words]
    print("grid: asks Slurm for one node, and waits in its queue until one is free", flush=True)
    answer = ask_slurm("srun", *options, sys.executable, str(path.resolve()), "facts")
    sample = json.loads(answer.strip().splitlines()[-1])
    cells = SlurmCells(program, needs, sample, driver, words, limit)
    return cells.open_engine(), sample, cells.queued_kinds


def list_elements() -> dict[Element, CellState]:
    """The cells of all arrays in Slurm's queue, of this repository."""
    listed = {}
    for line in ask_slurm("squeue", "--me", "--array", "--noheader", "--format=%K|%T|%N|%j").splitlines():
        index, state, node, name = line.strip().split("|", 3)
        if (ARRAYS / name).is_dir() and name.startswith("m2m-"):
            listed[Element(ARRAYS / name, int(index))] = CellState("queued" if state in QUEUED else "running", node)
    return listed


def _read_arrays() -> Iterator[tuple[Order, Element]]:
    """The orders of all arrays that have been queued from this repository, the oldest first."""
    for file in sorted(ARRAYS.glob("m2m-*/orders.json")):
        try:
            orders = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            print(f"grid: {file} is torn, so its cells are not looked for: remove {file.parent}", flush=True)
            continue
        yield from ((order, Element(file.parent, place)) for place, order in enumerate(orders))


def explain_end(element: Element) -> CellState:
    """Why a cell left the queue without a report, as far as Slurm still knows; or that it is still there."""
    job = (element.folder / "job").read_text(encoding="utf-8") if (element.folder / "job").exists() else "unknown"
    try:
        answer = ask_slurm("scontrol", "show", "job", f"{job}_{element.place}")
    except ValueError:  # Slurm forgets a job minutes after its end
        answer = ""
    fields = dict(word.split("=", 1) for word in answer.split() if "=" in word)
    state, node = fields.get("JobState", "gone from Slurm's queue"), fields.get("NodeList", "")
    if state in ACTIVE or state in QUEUED:
        return CellState("queued" if state in QUEUED else "running", node)
    if state in SBATCH_LIMITS:
        return CellState("failed", node, f"Slurm ended it with {state}: raise {SBATCH_LIMITS[state]} in --sbatch")
    if state in ("FAILED", "COMPLETED"):
        output = element.folder / f"{element.place}.out"
        log = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
        return CellState("failed", node, f"it ended without a report, with exit code {fields['ExitCode']}", log)
    return CellState("lost", node, state)
