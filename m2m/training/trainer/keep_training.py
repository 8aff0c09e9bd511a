"""Turns errors of what is not the training itself into warnings."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def keep_training(failure: str) -> Iterator[None]:
    """Print any error inside as "warning: `failure` (the error)": no tracking, plot or clean-up may end a training."""
    try:
        yield
    except Exception as error:
        with suppress(OSError, ValueError):  # standard error may be a file on the same full disk, or closed
            print(f"warning: {failure} ({type(error).__name__}: {error})", file=sys.stderr, flush=True)
