"""Deals with DVC's own queue: puts cells in, says which wait and which run, takes the lost out."""

import contextlib
import io
import signal
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

RUNS = Path(".dvc/tmp/exps/run")  # a folder an entry, by its stash revision: log, process, result


class Entry(NamedTuple):
    """A cell that waits or runs."""

    name: str
    key: str  # its stash revision, which stands in the command line of the process that runs it
    running: bool

    @property
    def log(self) -> Path:
        """What it printed, once it has begun."""
        return RUNS / self.key / f"{self.key}.out"


def entries() -> list[Entry]:
    """Those that wait or run. One that is being taken may be in both lists, so it is never in none."""
    from dvc.repo import Repo

    with Repo() as repo:
        queue = repo.experiments.celery_queue
        waiting = [Entry(one.name or one.stash_rev, one.stash_rev, False) for one in queue.iter_queued()]
        return waiting + [Entry(one.name or one.stash_rev, one.stash_rev, True) for one in queue.iter_active()]


def put(name: str, overrides: Sequence[str]) -> None:
    """`dvc exp run --queue --name NAME -S OVERRIDE …`, of the workspace as it stands."""
    from dvc.repo import Repo

    with _uninterrupted(), Repo() as repo, contextlib.redirect_stdout(io.StringIO()):
        repo.experiments.run(queue=True, name=name, params=list(overrides))


def drop(entry: Entry) -> None:
    """Take out one that is held to run while no process runs it."""
    from dvc.repo import Repo

    with _uninterrupted(), Repo() as repo, contextlib.redirect_stdout(io.StringIO()):
        repo.experiments.celery_queue.kill([entry.key])


def forget_failed(names: Collection[str]) -> None:
    """Take out what is left there of earlier tries of these cells: `dvc exp show` lists it for ever."""
    from dvc.repo import Repo

    with _uninterrupted(), Repo() as repo:
        queue = repo.experiments.celery_queue
        if failed := [one.stash_rev for one, _ in queue.iter_failed() if one.name in names]:
            queue.remove(failed)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until DVC has put the workspace back: it stashes what is not committed, and takes it out again."""
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
