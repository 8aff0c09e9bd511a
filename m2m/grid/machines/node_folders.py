"""Folders for clones on a node, and locks between its cells. Nodes get this file as part of a program."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
