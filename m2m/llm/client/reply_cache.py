"""Keeps every raw reply of an LLM by the content of its request, and what each try cost: paid once, whatever dies."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from m2m.project_root import home

TABLES = """
create table if not exists replies (
    key text primary key, model text, fingerprint text, request text, reply text,
    prompt_tokens integer, completion_tokens integer) without rowid;
create table if not exists tries (id integer primary key, key text, tokens integer);
create index if not exists tries_of on tries (key);
"""
MARKS = 500  # keys in one query

ONE_AT_A_TIME = 2**60  # beyond the places of all keys


class ModelUsage(NamedTuple):
    """What is kept of one model."""

    model: str
    replies: int
    prompt_tokens: int
    completion_tokens: int


class CachedReply(NamedTuple):
    """One row: a request as it was sent (its limit by the older of two names), and the raw reply."""

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


class ReplyCache:
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
            self.database.executescript(TABLES)

    def close(self) -> None:
        self.database.close()
        self.claims.close()

    def read(self, keys: Sequence[str]) -> dict[str, str]:
        """The raw replies that are kept of `keys`."""
        found: dict[str, str] = {}
        for some in _parts(keys):
            with self.lock:
                found |= self.database.execute(f"select key, reply from replies where key in ({_marks(some)})", some)
        return found

    def keep(self, row: CachedReply) -> None:
        """Write one reply; of two for one key the first stays."""
        with self.lock:
            self.database.execute("insert or ignore into replies values (?,?,?,?,?,?,?)", row)

    def begin(self, key: str, most: int) -> int:
        """Write down that `key` will be asked for, at a cost of at most `most` tokens; the number of the try."""
        with self.lock:
            return int(
                self.database.execute("insert into tries (key, tokens) values (?,?)", (key, most)).lastrowid or 0
            )

    def end(self, one: int, used: int | None) -> None:
        """Write down the tokens that a try has cost; None: it was not paid, and is forgotten."""
        with self.lock:
            if used is None:
                self.database.execute("delete from tries where id = ?", (one,))
            else:
                self.database.execute("update tries set tokens = ? where id = ?", (used, one))

    def spent(self, keys: Sequence[str]) -> tuple[int, int]:
        """Tries and their tokens, of all who ever asked for `keys`; one that a kill cut short counts in full."""
        requests = tokens = 0
        for some in _parts(keys):
            with self.lock:
                query = f"select count(*), coalesce(sum(tokens), 0) from tries where key in ({_marks(some)})"
                [(count, used)] = self.database.execute(query, some).fetchall()
            requests, tokens = requests + count, tokens + used
        return requests, tokens

    def holdings(self) -> list[ModelUsage]:
        """What is kept, by model."""
        with self.lock:
            rows = self.database.execute(
                "select model, count(*), sum(prompt_tokens), sum(completion_tokens) from replies group by model"
            ).fetchall()
        return [ModelUsage(*row) for row in sorted(rows)]

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


def _parts(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[begin : begin + MARKS] for begin in range(0, len(keys), MARKS)]


def _marks(keys: Sequence[str]) -> str:
    return ",".join("?" * len(keys))
