"""Runs many cells through DVC's queue: queues them, keeps the workers at work, tries again what failed or got lost."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from m2m.grid import dvc_queue, workers
from m2m.grid.dvc_experiments import names
from m2m.grid.progress_table import Tally, open_board

TRIES = 3  # a failed cell is retried twice
PATIENCE = 120  # seconds: a cell that runs without a process is lost then, a worker without a cell is stuck
PAUSE = 5  # seconds between two looks, of which each costs a third of one on a core
BATCH = 8  # cells put at one look, about a second each


def run_cells(todo: Mapping[str, Sequence[str]], jobs: int, each: int, stated_seconds: float) -> list[str]:
    """Run the cells `todo`, overrides by name, on `jobs` workers of `each` GPUs; return those that failed in every try.

    What waits or runs already is left as it is. Ctrl-C ends the workers and what they run.
    """
    if not workers.list_workers():  # after a power cut the queue still says that they run
        for one in [one for one in dvc_queue.list_entries() if one.running]:
            dvc_queue.drop(one)
    dvc_queue.forget_failed(set(todo))
    minder = GridRunner(todo, jobs, each, stated_seconds)
    try:
        with open_board() as shown:
            while minder.look():
                shown.show(minder.tally())
                time.sleep(PAUSE)
            shown.show(minder.tally())
    except KeyboardInterrupt:
        workers.stop([worker.pid for worker in workers.list_workers()])
        raise
    return sorted(minder.failed)


def locate_log(name: str) -> Path:
    """The log of a cell's last try."""
    return workers.LOGS / f"{name}.log"


class GridRunner:
    """What is known of the cells from one look to the next."""

    def __init__(self, todo: Mapping[str, Sequence[str]], jobs: int, each: int, stated_seconds: float) -> None:
        self.todo, self.jobs, self.each, self.stated_seconds = todo, jobs, each, stated_seconds
        self.present: dict[str, dvc_queue.QueueEntry] = {}  # the cells that wait or run
        self.last: dict[str, dvc_queue.QueueEntry] = {}  # of each cell that was ever seen to
        self.done: set[str] = set()
        self.failed: set[str] = set()  # in every try
        self.tries: Counter[str] = Counter()
        self.since: dict[tuple[str, str], float] = {}
        self.told = False  # that no GPU is free
        self.took: list[float] = []  # seconds, of the cells that ran and ended before our eyes

    def look(self) -> bool:
        """See what has changed and act on it; False when nothing is left to do."""
        self.present = {one.name: one for one in dvc_queue.list_entries() if one.name in self.todo}
        done = set(names()) & set(self.todo)  # after the queue: a cell that ends in between is in both
        self.took += [self._held("running", name, True) for name in done - self.done if ("running", name) in self.since]
        self.done = done
        self.last |= self.present
        for one in self.last.values():
            _keep_log(one)
        self._drop_lost()
        self._keep_at_work(workers.list_workers())
        self._put_missing()
        return len(self.done) + len(self.failed) < len(self.todo)

    def tally(self) -> Tally:
        """How far it is, and how long it will take at the pace so far."""
        active = [name for name, one in self.present.items() if one.running and name not in self.done]
        running = {name: self._held("running", name, True) for name in active}
        queued = len(self.todo) - len(self.done) - len(running) - len(self.failed)
        seconds = median(self.took or [self.stated_seconds])
        left = queued * seconds + sum(max(0.0, seconds - age) for age in running.values())
        return Tally(len(self.done), queued, running, len(self.failed), left / self.jobs)

    def _put_missing(self) -> None:
        puts = 0
        for name in self.todo:
            absent = name not in self.present and name not in self.done
            gone = self._held("absent", name, absent) >= PAUSE  # DVC moves an entry in more than one step
            if gone and self.tries[name] == TRIES:
                self.failed.add(name)
            elif gone and puts < BATCH:  # so that the workers begin while the rest is put
                puts += 1
                if name in self.last:
                    dvc_queue.forget_failed({name})
                dvc_queue.put(name, self.todo[name])
                self.tries[name] += 1

    def _drop_lost(self) -> None:
        running = {one.key: one for one in self.present.values() if one.running and one.name not in self.done}
        there = workers.list_running_keys(list(running))
        for key, one in running.items():
            if self._held("lost", key, key not in there) > PATIENCE:
                dvc_queue.drop(one)
                del self.present[one.name]

    def _keep_at_work(self, present: Sequence[workers.Worker]) -> None:
        waiting = any(not one.running for one in self.present.values())
        stuck = [one for one in present if self._held("idle", str(one.pid), one.idle and waiting) > PATIENCE]
        workers.stop([one.pid for one in stuck])
        for number in range(1, self.jobs + 1):
            absent = waiting and number not in {one.number for one in present}
            if absent and not workers.start(number, self.jobs, self.each):
                if not self.told:
                    print(f"grid: no GPU is free for worker {number} of {self.jobs}; it begins when one is", flush=True)
                self.told = True
                break

    def _held(self, what: str, of: str, true: bool) -> float:
        """Seconds for which it has been `true` at every look."""
        if not true:
            self.since.pop((what, of), None)
            return 0.0
        now = time.monotonic()
        return now - self.since.setdefault((what, of), now)


def _keep_log(entry: dvc_queue.QueueEntry) -> None:
    """DVC's own log, under the cell's name; a hard link, so that it grows with it and outlives it.

    Where .cache lies on another disk there is none: then a copy, made anew at each look.
    """
    kept = locate_log(entry.name)
    if entry.log.exists() and not (kept.exists() and kept.samefile(entry.log)):
        kept.unlink(missing_ok=True)
        try:
            os.link(entry.log, kept)
        except OSError:
            shutil.copyfile(entry.log, kept)
