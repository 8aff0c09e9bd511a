"""Writes files and folders that are whole or not there: a temporary name, fsync, rename."""

import glob
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

# what a process writes, with its machine's name and its number; .gitignore and .dvcignore know it
PART = re.compile(r"\..+\.(?P<host>[\w-]+)\.(?P<pid>\d{1,9})\.part", re.DOTALL)
HOST = re.sub(r"[^\w-]", "-", platform.node(), flags=re.ASCII)[:40] or "here"


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A temporary path in the folder of `path`, made if missing; on success it is fsynced and renamed to `path`.

    After an error, a kill or on a full disk the old file is still whole. A kill leaves the temporary one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _name_part(path)
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` in UTF-8 to `path`, in one step."""
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def fill_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder to write in, which on success is renamed to `folder`, a new or an empty one.

    Where `folder` cannot be replaced, as the current one or a mount, the entries are renamed one after the other.
    What killed processes left of the same `folder`, and in it, is removed first.
    """
    target = folder.resolve()
    is_fixed = target.exists() and (target.is_mount() or target == Path.cwd() or not os.access(target.parent, os.W_OK))
    temporary = _name_part(target / target.name if is_fixed else target)
    remove_dead_parts(temporary.parent.glob(f".{glob.escape(target.name)}.*.part"))
    remove_dead_parts(target.iterdir() if target.is_dir() else ())
    temporary.mkdir(parents=True)
    try:
        yield temporary
        flush(temporary)
        if is_fixed:
            for entry in sorted(temporary.iterdir()):
                entry.rename(target / entry.name)
        else:
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def require_empty_folder(folder: Path, remedy: str) -> None:
    """ValueError with `remedy` unless `folder` is a new or an empty one, but for what killed processes left in it."""
    if folder.exists() and (not folder.is_dir() or not all(map(is_dead_part, folder.iterdir()))):
        raise ValueError(f"{folder} is not empty. {remedy}")


def remove_dead_parts(paths: Iterable[Path]) -> list[Path]:
    """Remove those of `paths` that a process of this user was writing when it was killed; return them."""
    parts = [path for path in paths if is_dead_part(path)]
    for part in parts:
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
    return parts


def is_dead_part(path: Path) -> bool:
    """Whether `path` is a temporary file or folder of a process of this user, on this machine, that is no more.

    Or of one that had the number of this process, which has not begun to write: in a container all have the same.
    """
    import psutil

    match = PART.fullmatch(path.name)
    if not match or match["host"] != HOST:
        return False
    if int(match["pid"]) != os.getpid() and psutil.pid_exists(int(match["pid"])):
        return False
    try:
        return path.lstat().st_uid == os.getuid()
    except FileNotFoundError:
        return False


def flush(path: Path) -> None:
    """Write a file, or the entries of a folder, through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _name_part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{HOST}.{os.getpid()}.part")
