"""Looks at the workspace before a command: what a killed or starved run left is kept, put right, and reported."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from m2m.preflight.dvc_locks import RWLOCKS, find_died_queueing, is_torn_table, restore_table
from m2m.preflight.git_state import find_detaching, remove_git_locks, restore_stash
from m2m.preflight.queue_messages import restore_queue
from m2m.preflight.torn_files import copy_whole_files, restore_torn_files
from m2m.runtime.atomic_files import PART, remove_dead_parts

CLONE_MARKS = Path("dvc.yaml"), Path(".dvc")
UNSEARCHED = {".git", ".venv", ".dvc/cache"}  # large folders where no command of ours writes


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
    begun = find_detaching() if is_torn_table(RWLOCKS[1]) else find_died_queueing()
    if begun is not None and (restored := restore_stash(begun)):
        yield restored
    for table in RWLOCKS:
        if sentence := restore_table(table):
            yield sentence
    yield from restore_torn_files()
    yield from restore_queue()
    for path in remove_dead_parts(_find_parts()):
        yield f"{path} was half-written by a command that was killed. It is removed."


def _find_parts() -> Iterator[Path]:
    for name, folders, files in os.walk("."):
        yield from (Path(name, part) for part in sorted([*folders, *files]) if PART.fullmatch(part))
        folders[:] = [folder for folder in folders if os.path.normpath(f"{name}/{folder}") not in UNSEARCHED]
