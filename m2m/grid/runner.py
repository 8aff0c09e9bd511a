"""Runs many cells through DVC's queue: queues them, keeps workers running, retries cells that failed or got lost."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from m2m.grid import dvc_queue, workers
from m2m.grid.dvc_experiments import list_experiment_names
from m2m.grid.progress_table import Tally, count_cells, follow_progress
from m2m.grid.queued_commit import QueuedCommit

TRIES = 3  # a failed cell is retried twice
PATIENCE = 120  # seconds: then a running cell without a process is lost, and an idle worker is stuck
PAUSE = 5  # seconds between two looks, of which each takes a third of a second on one core
SETTLING = 6  # looks at the queue while a worker ends its last cell
BATCH = 8  # cells queued at one look, about a second each


def run_cells(
    todo: Mapping[str, Sequence[str]], snapshot: QueuedCommit, jobs: int, gpus_each: int, seconds: float, label: str
) -> list[str]:
    """Run the cells `todo`, overrides by name, on `jobs` workers of `gpus_each` GPUs; return those that failed.

    Each try runs from the files of `snapshot`, whatever the workspace has become meanwhile.

    `seconds` are those that a cell is expected to take; `label` stands above the table of progress.
    Cells that already wait or run are left as they are. Ctrl-C stops the workers and their cells.
    """
    runner = GridRunner(todo, snapshot, jobs, gpus_each, seconds)
    try:
        if workers.list_workers():
            _stop_idle_workers()
        else:  # after a power cut the queue still lists cells as running
            for entry in [entry for entry in dvc_queue.list_entries() if entry.running]:
                dvc_queue.drop(entry)
        dvc_queue.forget_failed(set(todo))
        follow_progress(runner.look, runner.tally, PAUSE, label)
    except KeyboardInterrupt:
        workers.stop([worker.pid for worker in workers.list_workers()])
        raise
    return sorted(runner.failed)


def locate_log(name: str) -> Path:
    """The log of a cell's last try."""
    return workers.LOGS / f"{name}.log"


class GridRunner:
    """The state of the cells from one look to the next."""

    def __init__(
        self,
        todo: Mapping[str, Sequence[str]],
        snapshot: QueuedCommit,
        jobs: int,
        gpus_each: int,
        stated_seconds: float,
    ) -> None:
        self.todo, self.snapshot, self.stated_seconds = todo, snapshot, stated_seconds
        self.jobs, self.gpus_each = jobs, gpus_each
        self.queued: dict[str, dvc_queue.QueueEntry] = {}  # the cells that wait or run
        self.latest: dict[str, dvc_queue.QueueEntry] = {}  # the last entry of each cell that ever did
        self.finished: set[str] = set()
        self.failed: set[str] = set()  # in every try
        self.tries: Counter[str] = Counter()
        self.since: dict[tuple[str, str], float] = {}
        self.warned = False  # that no GPU is free
        self.durations: list[float] = []  # seconds of the cells that ran and ended under this runner

    def look(self) -> bool:
        """Update the state and act on it; False when nothing is left to do."""
        self.queued = {entry.name: entry for entry in dvc_queue.list_entries() if entry.name in self.todo}
        # after the queue: a cell that ends in between is in both
        finished = set(list_experiment_names()) & set(self.todo)
        timed = [name for name in finished - self.finished if ("running", name) in self.since]
        self.durations += [self._time("running", name, True) for name in timed]
        self.finished = finished
        self.latest |= self.queued
        for entry in self.latest.values():
            _keep_log(entry)
        self._drop_lost()
        self._keep_workers(workers.list_workers())
        self._queue_missing()
        return len(self.finished) + len(self.failed) < len(self.todo)

    def tally(self) -> Tally:
        """The counts so far, and the time left at the pace so far."""
        active = [name for name, entry in self.queued.items() if entry.running and name not in self.finished]
        running = {name: self._time("running", name, True) for name in active}
        counts = len(self.todo), len(self.finished), len(self.failed)
        return count_cells(*counts, running, self.durations or [self.stated_seconds], self.jobs)

    def _queue_missing(self) -> None:
        count = 0
        for name in self.todo:
            absent = name not in self.queued and name not in self.finished
            missing = self._time("absent", name, absent) >= PAUSE  # DVC moves an entry in more than one step
            if missing and self.tries[name] == TRIES:
                self.failed.add(name)
            elif missing and count < BATCH:  # so that the workers begin while the others are queued
                count += 1
                if name in self.latest:
                    dvc_queue.forget_failed({name})
                dvc_queue.put(self.snapshot, name, self.todo[name])
                self.tries[name] += 1

    def _drop_lost(self) -> None:
        entries = [entry for entry in self.queued.values() if entry.running and entry.name not in self.finished]
        alive = workers.list_running_keys([entry.key for entry in entries])
        for entry in entries:
            if self._time("lost", entry.key, entry.key not in alive) > PATIENCE:
                dvc_queue.drop(entry)
                del self.queued[entry.name]

    def _keep_workers(self, present: Sequence[workers.Worker]) -> None:
        waiting = any(not entry.running for entry in self.queued.values())
        idle = [worker for worker in present if self._time("idle", str(worker.pid), worker.idle and waiting) > PATIENCE]
        workers.stop([worker.pid for worker in idle])
        numbers = {worker.number for worker in present}
        for number in range(1, self.jobs + 1):
            absent = waiting and number not in numbers
            if absent and not workers.start(number, self.jobs, self.gpus_each):
                if not self.warned:
                    print(f"grid: worker {number} of {self.jobs} waits for a free GPU", flush=True)
                self.warned = True
                break

    def _time(self, state: str, key: str, holds: bool) -> float:
        """Seconds for which `state` has held at every look."""
        if not holds:
            self.since.pop((state, key), None)
            return 0.0
        clock = time.monotonic()
        return clock - self.since.setdefault((state, key), clock)


def _stop_idle_workers() -> None:
    """Stop the workers of an earlier rung: one that is just ending would take a cell, and never run it.

    Before that, a worker whose cell's process has ended stores that cell.
    """
    for _ in range(SETTLING):
        keys = [entry.key for entry in dvc_queue.list_entries() if entry.running]
        if not set(keys) - workers.list_running_keys(keys):
            break
        time.sleep(PAUSE)
    workers.stop([worker.pid for worker in workers.list_workers() if worker.idle])


def _keep_log(entry: dvc_queue.QueueEntry) -> None:
    """DVC's own log, under the cell's name; a hard link, so that it grows with the log and outlives it.

    If .cache lies on another disk, it is a copy, renewed at each look.
    """
    copy = locate_log(entry.name)
    if entry.log.exists() and not (copy.exists() and copy.samefile(entry.log)):
        copy.unlink(missing_ok=True)
        try:
            os.link(entry.log, copy)
        except OSError:
            shutil.copyfile(entry.log, copy)
