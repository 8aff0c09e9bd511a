"""Keeps every raw reply of an LLM by the content of its request, and the cost of each try: a reply is paid once."""

import fcntl
import shutil
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from m2m.runtime.project_root import find_project_root

TABLES = """
create table if not exists replies (
    key text primary key, model text, fingerprint text, request text, reply text,
    prompt_tokens integer, completion_tokens integer) without rowid;
create table if not exists tries (id integer primary key, key text, tokens integer);
create index if not exists tries_of on tries (key);
"""
MARKS = 500  # keys in one query
LEAST_FREE_BYTES = 2**25  # for the open calls: a reply has some kilobytes, a page of the log 4

ONE_AT_A_TIME = 2**60  # beyond the places of all keys


class ModelUsage(NamedTuple):
    """How much is cached of one model."""

    model: str
    replies: int
    prompt_tokens: int
    completion_tokens: int


class CachedReply(NamedTuple):
    """One row: a request as it was sent (with max_tokens as the name of its limit), and the raw reply."""

    key: str
    model: str
    fingerprint: str
    request: str
    reply: str
    prompt_tokens: int
    completion_tokens: int


def cache_folder() -> Path:
    """An absolute path, outside the outs: DVC's queue deletes its copies of the repository."""
    return find_project_root() / ".cache" / "llm"


class ReplyCache:
    """A sqlite file that threads and processes share; each reply is on disk before the next step."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "replies.db"
        self.lock = threading.Lock()
        self.database = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        self.claims = (folder / "claims").open("ab")
        try:
            with self._lock(ONE_AT_A_TIME, fcntl.LOCK_EX), self._use():  # two that make the file at once fail: "locked"
                self.database.execute("pragma journal_mode=wal")
                self.database.execute("pragma synchronous=full")
                self.database.executescript(TABLES)
                [[state]] = self.database.execute("pragma quick_check(1)").fetchall()
                if state != "ok":
                    raise sqlite3.DatabaseError(" ".join(state.split()))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        self.database.close()
        self.claims.close()

    def read(self, keys: Sequence[str]) -> dict[str, str]:
        """The cached raw replies of `keys`."""
        raw: dict[str, str] = {}
        for batch in _split(keys):
            with self._use():
                raw |= self.database.execute(f"select key, reply from replies where key in ({_marks(batch)})", batch)
        return raw

    def keep(self, row: CachedReply) -> None:
        """Write one reply; of two for one key the first stays."""
        with self._use():
            self.database.execute("insert or ignore into replies values (?,?,?,?,?,?,?)", row)

    def begin(self, key: str, ceiling: int) -> int:
        """Record that `key` will be requested, at a cost of at most `ceiling` tokens; the number of the try."""
        with self._use():
            return int(
                self.database.execute("insert into tries (key, tokens) values (?,?)", (key, ceiling)).lastrowid or 0
            )

    def end(self, number: int, tokens: int | None) -> None:
        """Record the tokens that a try has cost; None: it was not paid, and is deleted."""
        with self._use():
            if tokens is None:
                self.database.execute("delete from tries where id = ?", (number,))
            else:
                self.database.execute("update tries set tokens = ? where id = ?", (tokens, number))

    def spent(self, keys: Sequence[str]) -> tuple[int, int]:
        """All tries for `keys` and their tokens; a try that a kill interrupted counts in full."""
        requests = tokens = 0
        for batch in _split(keys):
            with self._use():
                query = f"select count(*), coalesce(sum(tokens), 0) from tries where key in ({_marks(batch)})"
                [(count, cost)] = self.database.execute(query, batch).fetchall()
            requests, tokens = requests + count, tokens + cost
        return requests, tokens

    def holdings(self) -> list[ModelUsage]:
        """How much is cached, by model."""
        with self._use():
            rows = self.database.execute(
                "select model, count(*), sum(prompt_tokens), sum(completion_tokens) from replies group by model"
            ).fetchall()
        return [ModelUsage(*row) for row in sorted(rows)]

    def require_space(self) -> None:
        """OSError where the disk is so full that a reply may be paid for and then not be kept."""
        free = shutil.disk_usage(self.path.parent).free
        if free < LEAST_FREE_BYTES:
            raise OSError(
                f"{self.path.parent} has {free // 2**20} MiB left, and {LEAST_FREE_BYTES // 2**20} MiB are needed to "
                "keep the next replies: free some space and run the same command again"
            )

    @contextmanager
    def claimed(self, key: str) -> Iterator[bool]:
        """Whether this process, and no other, may request `key` now; the kernel ends the claim of a dead process."""
        try:
            with self._lock(int(key[:15], 16), fcntl.LOCK_EX | fcntl.LOCK_NB):
                yield True
        except BlockingIOError:
            yield False

    @contextmanager
    def _use(self) -> Iterator[None]:
        """The database for one thread; OSError, one sentence, where it is full, damaged or locked."""
        try:
            with self.lock:
                yield
        except sqlite3.Error as error:
            remedy = "free some space, or end the process that holds the file, and run the same command again"
            if not isinstance(error, sqlite3.OperationalError):
                remedy = (
                    f"save what is left with `sqlite3 {self.path} .recover | sqlite3 NEW`, and move NEW to its place; "
                    "without it the replies are asked for, and paid, again"
                )
            raise OSError(f"the replies in {self.path} cannot be used ({error}): {remedy}") from error

    @contextmanager
    def _lock(self, place: int, how: int) -> Iterator[None]:
        """A lock on one byte of an empty file."""
        fcntl.lockf(self.claims, how, 1, place)
        try:
            yield
        finally:
            fcntl.lockf(self.claims, fcntl.LOCK_UN, 1, place)


def _split(keys: Sequence[str]) -> list[Sequence[str]]:
    return [keys[begin : begin + MARKS] for begin in range(0, len(keys), MARKS)]


def _marks(keys: Sequence[str]) -> str:
    return ",".join("?" * len(keys))
