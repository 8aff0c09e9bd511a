"""Folders for clones on a node, and locks between its cells. Nodes get this file as part of a program."""

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from m2m.node_facts import name_node


def make_base(scratch: str, git: str) -> Path:
    """This user's folder on this node for the cells of a git remote; OSError where another user made it, or a link.

    Its name has the node, since nodes may share the disk of `scratch`, but not locks: each would remove what runs on
    another one.
    """
    private = make_private_folder(Path(scratch or tempfile.gettempdir()))
    base = private / f"{name_node()}-{hashlib.sha256(git.encode()).hexdigest()[:12]}"
    for name in ("cells", "locks", "cache", "work", "logs"):
        (base / name).mkdir(parents=True, exist_ok=True)
    return base


def make_private_folder(parent: Path) -> Path:
    """This user's folder in `parent`, which no other user can read; OSError where another user made it, or a link."""
    folder = parent / f"m2m-{os.getuid()}"
    parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{folder} of {name_node()} is a link or another user's: remove it, or set --scratch")
    folder.chmod(0o700)
    return folder


@contextmanager
def make_folder(base: Path) -> Iterator[Path]:
    """A new folder for a clone, locked while this process lives; folders whose process was killed are removed."""
    with wait_for_lock(base / "locks" / "folders"):
        for lock in (base / "cells").glob("*.lock"):
            with lock.open("a") as file, _ignore_held():
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_folder(lock.with_suffix(""))
        folder = Path(tempfile.mkdtemp(dir=base / "cells"))
        file = Path(f"{folder}.lock").open("a")  # noqa: SIM115
        fcntl.flock(file, fcntl.LOCK_EX)
    with file:
        try:
            yield folder
        finally:
            _remove_folder(folder)


@contextmanager
def wait_for_lock(path: Path) -> Iterator[None]:
    """Wait for the file's lock, which the kernel frees when this process ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _ignore_held() -> Iterator[None]:
    try:
        yield
    except BlockingIOError:
        return


def _remove_folder(folder: Path) -> None:
    for path in (folder, Path(f"{folder}.site")):
        shutil.rmtree(path, ignore_errors=True)
    Path(f"{folder}.lock").unlink(missing_ok=True)
