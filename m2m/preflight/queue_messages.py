"""Moves messages of DVC's queue that a kill cut short away, and drops the cells that no message speaks of any more."""

import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from m2m.preflight.git_state import is_at_work
from m2m.preflight.torn_files import keep_file

BROKER = Path(".dvc/tmp/exps/celery/broker")  # a file a message: those that wait in `in`, those taken in `processed`
STASH = "refs/exps/celery/stash"  # the commits of the queued cells


def restore_queue() -> Iterator[str]:
    """A sentence for each message that was cut short, after it was moved away, and for cells that it made unreachable.

    DVC reads no queue with such a message. Nothing is touched while a worker, a DVC or a command of ours is at work.
    """
    files = [path for name in ("in", "processed") for path in sorted((BROKER / name).glob("*.msg"))]
    torn = [path for path in files if _read_message(path) is None]
    lost = _list_stashed() if files else []
    if not (torn or lost) or is_at_work() or _has_workers():
        return
    for path in torn:
        if _read_message(path) is None:
            yield f"{path} was cut short, as after a kill or on a full disk. It is moved to {keep_file(path)}."
    bodies = [_decode_body(path) for path in files if path.exists()]
    orphans = [revision for revision in lost if not any(revision in (body or "") for body in bodies)]
    if orphans and None not in bodies:
        _drop(orphans)
        count = len(orphans)
        yield f"DVC's queue had {count} cells without a message. They are dropped: the same grid queues them again."


def _read_message(path: Path) -> dict[str, Any] | None:
    """None if it is torn: no JSON object with a body. One that was taken meanwhile is an empty one."""
    try:
        message = json.loads(path.read_bytes())
        return message if isinstance(message, dict) and isinstance(message.get("body"), str) else None
    except FileNotFoundError:
        return {}
    except ValueError:
        return None


def _decode_body(path: Path) -> str | None:
    """What the message says of its cell, with its commit; None where DVC has come to write it in another code."""
    body = (_read_message(path) or {}).get("body", "")
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError:
        return None


def _list_stashed() -> list[str]:
    """The commits of the cells that wait or run."""
    words = ["git", "log", "--walk-reflogs", "--format=%H", STASH, "--"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()


def _has_workers() -> bool:
    from m2m.grid.workers import list_workers

    return bool(list_workers())


def _drop(revisions: list[str]) -> None:
    from dvc.repo import Repo

    with Repo() as repo:
        stash = repo.experiments.celery_queue.stash
        stash.remove_revs([entry for revision, entry in stash.stash_revs.items() if revision in revisions])
