"""Holds back what native code writes to file descriptor 2, such as Rust's panic before its exception."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

STDERR_LOCK = Lock()  # the descriptor belongs to the whole process


@contextmanager
def hold_stderr() -> Iterator[None]:
    """Drop the words of the block if it ends in an exception, which says why; else write them after it."""
    with STDERR_LOCK, tempfile.TemporaryFile() as held:
        terminal = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
        held.seek(0)
        os.write(2, held.read())
