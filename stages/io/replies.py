"""Keeps every raw reply of an LLM, by the content of its request: a request is paid once, whatever dies in between."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from stages.io.home import home

TABLE = """create table if not exists replies (
    key text primary key, model text, fingerprint text, request text, reply text,
    prompt_tokens integer, completion_tokens integer) without rowid"""

ONE_AT_A_TIME = 2**60  # beyond the places of all keys


class Holding(NamedTuple):
    """What is kept of one model."""

    model: str
    replies: int
    prompt_tokens: int
    completion_tokens: int


class Kept(NamedTuple):
    """One row: a request as it was sent, and the raw reply."""

    key: str
    model: str
    fingerprint: str
    request: str
    reply: str
    prompt_tokens: int
    completion_tokens: int


def cache_folder() -> Path:
    """Absolute, and outside the outs: DVC's queue throws its copies away."""
    return home() / ".cache" / "llm"


class Replies:
    """A sqlite file that threads and processes share; each reply is on the disk before the next step."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()
        self.database = sqlite3.connect(
            folder / "replies.db", timeout=60, isolation_level=None, check_same_thread=False
        )
        self.claims = (folder / "claims").open("ab")
        with self._held(ONE_AT_A_TIME, fcntl.LOCK_EX):  # two processes that make the file at once fail: "locked"
            self.database.execute("pragma journal_mode=wal")
            self.database.execute("pragma synchronous=full")
            self.database.execute(TABLE)

    def close(self) -> None:
        self.database.close()
        self.claims.close()

    def read(self, keys: Sequence[str]) -> dict[str, str]:
        """The raw replies that are kept of `keys`."""
        found: dict[str, str] = {}
        for begin in range(0, len(keys), 500):
            some = keys[begin : begin + 500]
            marks = ",".join("?" * len(some))
            with self.lock:
                found |= self.database.execute(f"select key, reply from replies where key in ({marks})", some)
        return found

    def keep(self, row: Kept) -> None:
        """Write one reply; of two for one key the first stays."""
        with self.lock:
            self.database.execute("insert or ignore into replies values (?,?,?,?,?,?,?)", row)

    def holdings(self) -> list[Holding]:
        """What is kept, by model."""
        with self.lock:
            rows = self.database.execute(
                "select model, count(*), sum(prompt_tokens), sum(completion_tokens) from replies group by model"
            ).fetchall()
        return [Holding(*row) for row in sorted(rows)]

    @contextmanager
    def claimed(self, key: str) -> Iterator[bool]:
        """Whether this process, and no other, may ask for `key` now; the kernel takes a dead process's claim back."""
        try:
            with self._held(int(key[:15], 16), fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False

    @contextmanager
    def _held(self, place: int, how: int) -> Iterator[None]:
        """A lock on one byte of an empty file."""
        fcntl.lockf(self.claims, how, 1, place)
        try:
            yield
        finally:
            fcntl.lockf(self.claims, fcntl.LOCK_UN, 1, place)
