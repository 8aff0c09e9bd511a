import signal
import threading
from typing import Any

import dvc.repo
import pytest
from dvc.exceptions import DvcException
from dvc.lock import LockError

from m2m.grid import dvc_queue

LOST = dvc_queue.QueueEntry("cell", "0a1b", True)


class FakeRepo:
    """A repository whose queue answers each call with the next of `outcomes`: an exception, or None for success."""

    outcomes: list[Any]
    seen: list[Any]

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> Any:
        return False

    @property
    def experiments(self) -> Any:
        return self

    @property
    def celery_queue(self) -> Any:
        return self

    def kill(self, keys: Any) -> None:
        self.seen.append((keys, signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        if outcome := self.outcomes.pop(0):
            raise outcome


@pytest.fixture
def repo(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(FakeRepo, "seen", [], raising=False)
    monkeypatch.setattr(dvc.repo, "Repo", FakeRepo)
    monkeypatch.setattr(dvc_queue, "LOCK_PAUSE", 0)
    return FakeRepo


def test_a_lock_that_a_worker_holds_is_waited_for(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repo, "outcomes", [LockError("held"), LockError("held"), None], raising=False)
    dvc_queue.drop(LOST)
    assert [keys for keys, _ in repo.seen] == [["0a1b"]] * 3


def test_a_lock_that_is_held_for_ever_is_an_error(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repo, "outcomes", [LockError("held")] * 99, raising=False)
    with pytest.raises(LockError):
        dvc_queue.drop(LOST)
    assert len(repo.seen) == dvc_queue.LOCK_TRIES


def test_what_dvc_refuses_is_told_in_one_sentence(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repo, "outcomes", [DvcException("no such stage")], raising=False)
    with pytest.raises(ValueError, match="DVC's queue refused: no such stage"):
        dvc_queue.drop(LOST)


def test_ctrl_c_waits_while_dvc_changes_its_queue(repo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repo, "outcomes", [None], raising=False)
    dvc_queue.drop(LOST)
    assert set(dvc_queue.ENDING) <= repo.seen[0][1]
    assert not set(dvc_queue.ENDING) & signal.pthread_sigmask(signal.SIG_BLOCK, [])


@pytest.mark.parametrize("sign", dvc_queue.ENDING)
def test_a_signal_that_another_thread_takes_waits_too(repo: Any, monkeypatch: pytest.MonkeyPatch, sign: Any) -> None:
    """As the board's does on a terminal: Python acts on it in the main thread, whatever that one blocks."""
    done = []

    def ended(*_: Any) -> None:
        done.append("signal")

    def taken() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [sign])
        signal.raise_signal(sign)

    def busy(*_: Any, **__: Any) -> None:
        other = threading.Thread(target=taken)
        other.start()
        other.join()
        done.append("queue changed")

    before = signal.signal(sign, ended)
    monkeypatch.setattr(repo, "kill", busy)
    try:
        dvc_queue.drop(LOST)
    finally:
        signal.signal(sign, before)
    assert done == ["queue changed", "signal"]
