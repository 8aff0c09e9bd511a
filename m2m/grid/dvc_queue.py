"""Deals with DVC's own queue: puts cells in, says which wait and which run, takes the lost out."""

import contextlib
import io
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

LOCK_TRIES, LOCK_PAUSE = 60, 2.0  # seconds between them: a worker that begins a cell holds a lock for a moment
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a batch system's limit, a closed terminal
RUNS = Path(".dvc/tmp/exps/run")  # a folder an entry, by its stash revision: log, process, result


class QueueEntry(NamedTuple):
    """A cell that waits or runs."""

    name: str
    key: str  # its stash revision, which stands in the command line of the process that runs it
    running: bool

    @property
    def log(self) -> Path:
        """What it printed, once it has begun."""
        return RUNS / self.key / f"{self.key}.out"


def list_entries() -> list[QueueEntry]:
    """Those that wait or run. One that is being taken may be in both lists, so it is never in none."""
    from dvc.repo import Repo

    with Repo() as repo:
        queue = repo.experiments.celery_queue
        waiting = [QueueEntry(one.name or one.stash_rev, one.stash_rev, False) for one in queue.iter_queued()]
        return waiting + [QueueEntry(one.name or one.stash_rev, one.stash_rev, True) for one in queue.iter_active()]


def put(name: str, overrides: Sequence[str]) -> None:
    """`dvc exp run --queue --name NAME -S OVERRIDE …`, of the workspace as it stands."""

    def queue(repo: Any) -> None:
        repo.experiments.run(queue=True, name=name, params=list(overrides))

    _do(queue)


def drop(entry: QueueEntry) -> None:
    """Take out one that is held to run while no process runs it."""
    _do(lambda repo: repo.experiments.celery_queue.kill([entry.key]))


def forget_failed(names: Collection[str]) -> None:
    """Take out what is left there of earlier tries of these cells: `dvc exp show` lists it for ever."""

    def forget(repo: Any) -> None:
        queue = repo.experiments.celery_queue
        if failed := [one.stash_rev for one, _ in queue.iter_failed() if one.name in names]:
            queue.remove(failed)

    _do(forget)


def _do(act: Callable[[Any], None]) -> None:
    """`act` on the repository, again for as long as a worker holds one of DVC's locks. ValueError when DVC refuses."""
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    patient = Retrying(
        retry=retry_if_exception_type(LockError),
        wait=wait_fixed(LOCK_PAUSE),
        stop=stop_after_attempt(LOCK_TRIES),
        reraise=True,
    )
    for attempt in patient:
        with attempt, _uninterrupted(), Repo() as repo, contextlib.redirect_stdout(io.StringIO()):
            try:
                act(repo)
            except LockError:
                raise
            except DvcException as error:
                raise ValueError(f"DVC's queue refuses: {error}") from error


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """What would end us waits until DVC has put the workspace back: it stashes what is not committed, and takes it out.

    Blocking alone is not enough: a signal may go to another thread, such as the board's, and Python then acts on it
    in this one. Noting alone is not either: git's processes would get it too.
    """
    came: list[int] = []
    before = {sign: signal.signal(sign, lambda number, _: came.append(number)) for sign in ENDING}
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        for sign, handler in before.items():
            signal.signal(sign, handler)
        if came:
            signal.raise_signal(came[0])
