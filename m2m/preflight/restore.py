"""Looks at the workspace before a command: what a killed or starved run left is kept, put right, and reported."""

import sys
from collections.abc import Iterator
from pathlib import Path

from m2m.preflight.dvc_locks import RWLOCKS, find_died_queueing, restore_table
from m2m.preflight.git_state import remove_git_locks, restore_stash
from m2m.preflight.torn_files import copy_whole_files, restore_torn_files

CLONE_MARKS = Path("dvc.yaml"), Path(".dvc")


def restore_workspace() -> None:
    """Put right what a killed run left in this folder, if it is a clone, and print a sentence for each to stderr."""
    if not all(path.exists() for path in CLONE_MARKS):
        return
    for sentence in _mend():
        print(f"mended: {sentence}", file=sys.stderr)
    try:
        copy_whole_files()
    except OSError as error:
        print(f"warning: params.yaml and dvc.lock could not be copied for a later restore: {error}", file=sys.stderr)


def _mend() -> Iterator[str]:
    yield from remove_git_locks()
    if (begun := find_died_queueing()) is not None and (restored := restore_stash(begun)):
        yield restored
    for table in RWLOCKS:
        if sentence := restore_table(table):
            yield sentence
    yield from restore_torn_files()
