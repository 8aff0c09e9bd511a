"""Reads DVC's table of who reads and writes what, and removes what dead processes or a full disk left in it."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from m2m.runtime.atomic_files import write_text

RWLOCKS = (Path(".dvc/tmp/rwlock"), Path(".dvc/tmp/exps/rwlock"))  # of the workspace's stages; of the queue
QUEUEING = "workspace"  # what the queue's table says while DVC has the workspace in git's stash
GUARD_TRIES, GUARD_PAUSE = 20, 0.2  # seconds between tries: DVC holds these locks for moments
CLOCK_LAG = 5.0  # seconds that the clock of a shared disk may be behind that of this machine
PROGRAMS = ("dvc", "m2m")
# of Python's options -c, -m, -W and -X have a value, joined or as the next word, and so has its one long option
OPTION = re.compile(r"-(?=[^-])[^cmWX]*(?P<kind>[cmWX]?)(?P<value>.*)|(?P<long>--.+)", re.DOTALL)


class Holder(NamedTuple):
    """A process that reads or writes `path`, as DVC noted it."""

    path: str
    pid: int
    command: str


@contextmanager
def hold_lock(path: Path, refusal: str) -> Iterator[None]:
    """Hold DVC's lock file `path`; ValueError with `refusal` if another process holds it for seconds."""
    import zc.lockfile

    path.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(GUARD_TRIES):
        try:
            lock = zc.lockfile.LockFile(str(path))
            break
        except zc.lockfile.LockError as error:
            if attempt == GUARD_TRIES - 1:
                raise ValueError(refusal) from error
            time.sleep(GUARD_PAUSE)
    try:
        yield
    finally:
        lock.close()


def require_idle() -> None:
    """ValueError if another process runs stages in this folder, with its command and number."""
    for holder in list_live_holders(RWLOCKS[0]):
        raise ValueError(
            f"Another run is at work in this folder: {holder.command} (process {holder.pid}). Wait until it ends."
        )


def list_live_holders(path: Path) -> list[Holder]:
    """The entries of DVC's table `path` whose processes still run, of any program: a notebook may run DVC too."""
    return [holder for holder in _list_holders(_read_table(path) or {}) if _is_alive(holder.pid, path)]


def find_died_queueing() -> int | None:
    """When a process that died had begun to queue a cell, the workspace in git's stash; None where none has.

    In nanoseconds since 1970, by the clock of the file system.
    """
    holders = _list_holders(_read_table(RWLOCKS[1]) or {})
    has_died = any(holder.path == QUEUEING and not _is_alive(holder.pid, RWLOCKS[1]) for holder in holders)
    return RWLOCKS[1].stat().st_mtime_ns if has_died else None


def is_torn_table(path: Path) -> bool:
    """Whether DVC's table `path` is cut short, and not just being written: who had begun what is then unknown."""
    if _read_table(path) is not None:
        return False
    with _hold_table(path):
        return _read_table(path) is None


def restore_table(path: Path) -> str:
    """Remove what is torn or of dead processes from DVC's table `path`; a sentence where it was torn, else nothing."""
    if _is_clean(_read_table(path), path):
        return ""
    with _hold_table(path):
        table = _read_table(path)
        if table is None:
            path.unlink()
            return f"{path} was incomplete, as after a kill or on a full disk. It is removed: DVC makes a new one."
        dead = {holder.pid for holder in _list_holders(table) if not _is_alive(holder.pid, path)}
        write_text(path, json.dumps(_drop_holders(table, dead)))
        return ""


def _hold_table(path: Path) -> AbstractContextManager[None]:
    """Hold the lock under which DVC writes its table `path`, in place."""
    return hold_lock(path.with_name(f"{path.name}.lock"), f"Another DVC command holds {path}.lock. Wait until it ends.")


def is_program(process: psutil.Process) -> bool:
    """Whether `process` is DVC or a command of ours, by its command line; one of another person may be."""
    try:
        return _is_command(process.cmdline())
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False


def _is_command(words: list[str]) -> bool:
    """Whether a process with the command line `words` runs DVC or a command of ours, by itself or in a Python.

    Only the program counts: a path or a name in any other word is a file or a value that any program may have.

    >>> _is_command(["python", "-m", "dvc", "repro"]), _is_command(["vim", "/srv/dvc/notes.txt"])
    (True, False)
    """
    program = Path(words[0]) if words else Path()
    if program.name.lower().startswith("python"):  # on a Mac it has a capital
        program = Path(_find_program(words[1:]))
    if program.name == "__main__.py":
        program = program.parent
    return program.name in PROGRAMS


def _find_program(words: list[str]) -> str:
    """The module or script in the arguments `words` of a Python; empty for code in the command line.

    >>> _find_program(["-X", "utf8", "-um", "dvc", "repro"]), _find_program(["-c", "pass", "dvc"])
    ('dvc', '')
    """
    rest = iter(words)
    for word in rest:
        if not (option := OPTION.fullmatch(word)):
            return word
        kind = option["kind"] or ""
        value = option["value"] or (next(rest, "") if kind or option["long"] else "")
        if kind in ("c", "m"):
            return value if kind == "m" else ""
    return ""


def _is_alive(pid: int, path: Path) -> bool:
    """Whether the process that noted itself in DVC's table `path` runs; one that began later has only its number."""
    try:
        process = psutil.Process(pid)
        is_later = process.create_time() > path.stat().st_mtime + CLOCK_LAG
        return not is_later and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_clean(table: dict[str, Any] | None, path: Path) -> bool:
    return table is not None and all(_is_alive(holder.pid, path) for holder in _list_holders(table))


def _read_table(path: Path) -> dict[str, Any] | None:
    """DVC's table; None if it is torn."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        _list_holders(table)
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    return dict(table)


def _list_holders(table: dict[str, Any]) -> list[Holder]:
    writers = [(path, info) for path, info in table.get("write", {}).items()]
    readers = [(path, info) for path, infos in table.get("read", {}).items() for info in infos]
    return [Holder(path, int(info["pid"]), str(info["cmd"])) for path, info in writers + readers]


def _drop_holders(table: dict[str, Any], pids: set[int]) -> dict[str, Any]:
    write = {path: info for path, info in table.get("write", {}).items() if info["pid"] not in pids}
    read = {path: [info for info in infos if info["pid"] not in pids] for path, infos in table.get("read", {}).items()}
    return {"write": write, "read": {path: infos for path, infos in read.items() if infos}}
