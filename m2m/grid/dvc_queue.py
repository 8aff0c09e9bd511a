"""Reads and changes DVC's queue: adds cells, lists those that wait or run, removes the lost."""

import contextlib
import io
import signal
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from m2m.grid.queued_commit import QueuedCommit, store_queued_commit, write_queued_commit

LOCK_TRIES, LOCK_PAUSE = 60, 2.0  # seconds between tries: a worker that starts a cell holds a lock for a moment
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # Ctrl-C, a batch system's limit, a closed terminal
RUNS = Path(".dvc/tmp/exps/run")  # a folder an entry, by its stash revision: log, process, result


class QueueEntry(NamedTuple):
    """A cell that waits or runs."""

    name: str
    key: str  # its stash revision, which the command line of its process contains
    running: bool

    @property
    def log(self) -> Path:
        """Its output, once it has started."""
        return RUNS / self.key / f"{self.key}.out"


def list_entries() -> list[QueueEntry]:
    """The cells that wait or run. A cell that is just being started may be listed twice, but never missed."""
    from dvc.repo import Repo

    with Repo() as repo:
        queue = repo.experiments.celery_queue
        waiting = [QueueEntry(item.name or item.stash_rev, item.stash_rev, False) for item in queue.iter_queued()]
        return waiting + [QueueEntry(item.name or item.stash_rev, item.stash_rev, True) for item in queue.iter_active()]


def put(snapshot: QueuedCommit, name: str, overrides: Sequence[str]) -> None:
    """`dvc exp run --queue --name NAME -S OVERRIDE …`, of the files of `snapshot`; the workspace is not touched."""

    def queue(repo: Any) -> None:
        from dvc.repo.experiments.queue.base import QueueEntry as Entry
        from dvc.repo.experiments.queue.tasks import run_exp
        from dvc.repo.experiments.refs import CELERY_STASH
        from dvc.repo.experiments.utils import get_exp_rwlock

        commit = write_queued_commit(snapshot, name, overrides, {"DVC_ROOT": repo.root_dir})
        with get_exp_rwlock(repo, writes=[CELERY_STASH]):
            store_queued_commit(commit, name, CELERY_STASH)
        roots = (repo.root_dir, repo.scm.root_dir)
        entry = Entry(*roots, CELERY_STASH, commit.revision, commit.head, None, name, commit.head)
        celery = repo.experiments.celery_queue.celery
        celery.signature(run_exp.s(entry.asdict(), copy_paths=None, message=None)).delay()

    _do(queue)


def drop(entry: QueueEntry) -> None:
    """Remove a cell that the queue lists as running while no process runs it."""
    _do(lambda repo: repo.experiments.celery_queue.kill([entry.key]))


def forget_failed(names: Collection[str]) -> None:
    """Remove the failed tries of these cells, which `dvc exp show` would list for ever."""

    def forget(repo: Any) -> None:
        queue = repo.experiments.celery_queue
        if failed := [item.stash_rev for item, _ in queue.iter_failed() if item.name in names]:
            queue.remove(failed)

    _do(forget)


def _do(act: Callable[[Any], None]) -> None:
    """Call `act` on the repository, and again while a worker holds one of DVC's locks. ValueError if DVC refuses."""
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
                raise ValueError(f"DVC's queue refused: {error}") from error


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delay signals that would end us until DVC has changed its queue.

    Blocking the signals is not enough: one may reach another thread, and Python then handles it in this one. Noting
    them is not enough either: git's processes would get them too.
    """
    received: list[int] = []
    previous = {sign: signal.signal(sign, lambda number, _: received.append(number)) for sign in ENDING}
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        for sign, handler in previous.items():
            signal.signal(sign, handler)
        if received:
            signal.raise_signal(received[0])
