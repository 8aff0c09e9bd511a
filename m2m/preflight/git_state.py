"""Puts back what a killed git or DVC left: lock files, a detached HEAD, the workspace in git's stash."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from m2m.preflight.dvc_locks import RWLOCKS, is_program, list_live_holders
from m2m.preflight.torn_files import keep_file

DETACHED = re.compile(r"checkout: moving from (\S+) to [0-9a-f]{40}$")  # DVC's way; a person gives a name, or 7 digits

STALE_AGE = 60.0  # seconds: a younger lock may be of a git that is not in sight
STALE_PAUSE = 0.5  # seconds between two looks at it
SLACK = 10 * 10**9  # nanoseconds: DVC stashes the workspace, then detaches HEAD


def remove_git_locks() -> Iterator[str]:
    """A sentence for each lock file of git that no process holds, after it has been moved away.

    A young one is waited for until it is STALE_AGE seconds old: a git of another machine or person may hold it.
    """
    answer = _git("rev-parse", "--git-dir", "--git-common-dir")
    folders = {Path(line) for line in answer.stdout.split()}
    locks = {path for folder in folders for path in [*folder.glob("*.lock"), *folder.glob("refs/**/*.lock")]}
    if locks and not is_at_work():
        for path in sorted(locks):
            if not _is_open(path) and _is_abandoned(path):
                yield f"{path} was left by a git that was killed. It is moved to {keep_file(path)}."


def restore_stash(begun: int) -> str:
    """Put the workspace back that DVC, which was killed while it queued a cell, had in git's stash; a sentence.

    What is in the workspace now is kept as a commit. A stash that is older than `begun`, when DVC began, or of another
    commit than the one that is out, is a person's and stays. `begun` is in nanoseconds of this folder's file system,
    whose clock may differ from that of git's commits. ValueError in the middle of a merge.
    """
    head = _git("rev-parse", "HEAD").stdout.strip()
    stash = _git("rev-parse", "--quiet", "--verify", "refs/stash").stdout.strip()
    branch = _find_branch()
    if branch:
        _git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    place = f"HEAD is on {branch} again" if branch else ""
    is_of_head = stash and _git("rev-parse", f"{stash}^1").stdout.strip() == head
    log = Path(_git("rev-parse", "--git-path", "logs/refs/stash").stdout.strip())
    if not is_of_head or not log.exists() or log.stat().st_mtime_ns < begun:
        return f"DVC was killed while it queued a cell. {place}." if place else ""
    if _git("ls-files", "--unmerged").stdout:
        raise ValueError(f"A merge is not ended. End it, then restore your changes with git stash apply {stash}.")
    present = _git("stash", "create").stdout.strip()
    if present:
        _git("update-ref", f"refs/kept/{present[:12]}", present)
    _git("reset", "--hard", "--quiet", "HEAD")
    if _git("stash", "pop", "--index", "--quiet").returncode and _git("stash", "pop", "--quiet").returncode:
        raise ValueError(f"DVC was killed while it queued a cell. Restore your changes with git stash apply {stash}.")
    note = f" What was there meanwhile: git show {present[:12]}." if present else ""
    return (
        f"DVC was killed while it queued a cell. Your uncommitted changes are back from git's stash ({stash[:12]})"
        f"{', and ' + place if place else ''}.{note}"
    )


def find_detaching() -> int | None:
    """When DVC detached HEAD, less SLACK, as nanoseconds since 1970; None if HEAD is on a branch, or a person's."""
    if not _find_branch():
        return None
    return Path(_git("rev-parse", "--git-path", "logs/HEAD").stdout.strip()).stat().st_mtime_ns - SLACK


def is_at_work() -> bool:
    """Whether a git, a DVC or a command of ours works in this folder; a git that runs this process as a hook does.

    A program of another name that runs DVC is known by DVC's tables.
    """
    process = psutil.Process()
    parents = process.parents()
    callers = {process.pid, *(parent.pid for parent in parents if not parent.name().startswith("git"))}
    holders = {holder.pid for path in RWLOCKS for holder in list_live_holders(path)}
    others = (other for other in psutil.process_iter() if other.pid not in callers)
    return bool(holders - callers) or any(_works_here(other) for other in others)


def _is_open(path: Path) -> bool:
    """Whether a process has the file open, as far as this person may see."""
    absolute = str(path.resolve())
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(file.path == absolute for file in process.open_files()):
                return True
    return False


def _is_abandoned(path: Path) -> bool:
    """Whether the lock file `path` stays as it is until it is STALE_AGE seconds old; at once where it is older."""
    with suppress(FileNotFoundError):
        lock = path.stat()
        seconds = min(STALE_AGE, STALE_AGE - (time.time() - lock.st_mtime))
        if seconds > 0:
            print(f"waits {seconds:.0f} s at most: a git that is not in sight may hold {path}", file=sys.stderr)
        end = time.monotonic() + seconds
        while path.stat() == lock:
            if time.monotonic() >= end:
                return True
            time.sleep(STALE_PAUSE)
    return False


def _find_branch() -> str:
    """The branch that DVC detached HEAD from; empty if HEAD is on a branch, or a person detached it."""
    if _git("symbolic-ref", "--quiet", "HEAD").returncode == 0:
        return ""
    match = DETACHED.match(_git("reflog", "show", "--format=%gs", "--max-count=1", "HEAD").stdout.strip())
    branch = match[1] if match else ""
    return branch if _git("rev-parse", "--quiet", "--verify", f"refs/heads/{branch}").returncode == 0 else ""


def _works_here(process: psutil.Process) -> bool:
    try:
        if not (process.name().startswith("git") or is_program(process)):
            return False
        return Path(process.cwd()).is_relative_to(Path.cwd())
    except psutil.AccessDenied:  # of another person, who may share this clone
        return True
    except psutil.NoSuchProcess:
        return False


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False)
