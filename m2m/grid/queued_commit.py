"""Writes the commit that DVC's queue runs a cell from, without touching the person's workspace, index or stash."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from m2m.grid.machines.remote_calls import AUTHOR

QUEUED_PARAMS, QUEUED_ARGUMENTS = "params.yaml", ".dvc/tmp/repro.dat"


class QueuedCommit(NamedTuple):
    """A commit shaped like one of git's stash, and the commit that is out."""

    revision: str
    head: str


def write_queued_commit(
    snapshot: QueuedCommit, name: str, overrides: Sequence[str], run_environment: Mapping[str, str]
) -> QueuedCommit:
    """Commit the files of `snapshot`, with `overrides` in params.yaml and the arguments of DVC's run.

    `dvc exp run --queue` makes the same commit in the workspace, which it empties into git's stash meanwhile. A kill
    there loses uncommitted settings; here it leaves nothing but objects that git collects. DvcException if an
    override does not fit.
    """
    from dvc.repo.experiments.executor.base import BaseExecutor
    from dvc.repo.experiments.stash import ExpStash
    from dvc.utils.hydra import apply_overrides

    with TemporaryDirectory(prefix="m2m-") as folder:
        index, params, arguments = (str(Path(folder) / file) for file in ("index", QUEUED_PARAMS, "arguments"))
        environment, head = AUTHOR | {"GIT_INDEX_FILE": index}, snapshot.head
        _git("read-tree", snapshot.revision, environment=environment)
        _git("checkout-index", f"--prefix={folder}/", QUEUED_PARAMS, environment=environment)
        apply_overrides(params, list(overrides))
        run = {"DVC_EXP_BASELINE_REV": head, "DVC_EXP_NAME": name, **run_environment}
        BaseExecutor.pack_repro_args(arguments, targets=None, run_env=run)
        for path, file in ((QUEUED_PARAMS, params), (QUEUED_ARGUMENTS, arguments)):
            entry = f"100644,{_git('hash-object', '-w', file)},{path}"
            _git("update-index", "--add", "--cacheinfo", entry, environment=environment)
        tree = _git("write-tree", environment=environment)
        message = ExpStash.format_message(head, head, name)
        parent = _git("commit-tree", tree, "-p", head, "-m", "index", environment=environment)
        revision = _git("commit-tree", tree, "-p", head, "-p", parent, "-m", message, environment=environment)
    return QueuedCommit(revision, head)


def write_snapshot() -> QueuedCommit:
    """Commit the tracked files as they stand, on top of the commit that is out; equal files give an equal commit."""
    with TemporaryDirectory(prefix="m2m-") as folder:
        index = str(Path(folder) / "index")
        _copy_index(index)
        environment = AUTHOR | {"GIT_INDEX_FILE": index}
        _git("add", "--update", ":/", environment=environment)
        head, tree = _git("rev-parse", "HEAD"), _git("write-tree", environment=environment)
        date = _git("show", "--no-patch", "--format=%cI", "HEAD")
        dates = {f"GIT_{role}_DATE": date for role in ("AUTHOR", "COMMITTER")}
        message = "The files that cells of a grid run from"
        return QueuedCommit(_git("commit-tree", tree, "-p", head, "-m", message, environment=AUTHOR | dates), head)


def store_queued_commit(commit: QueuedCommit, name: str, ref: str) -> None:
    """Add the commit to DVC's own stash `ref`, in one step."""
    from dvc.repo.experiments.stash import ExpStash

    message = f"commit: {ExpStash.format_message(commit.head, commit.head, name)}"
    _git("update-ref", "--create-reflog", "-m", message, ref, commit.revision)


def _copy_index(target: str) -> None:
    """With its time: git takes a file for unchanged that has its size and time of before an index that is newer."""
    shutil.copy2(_git("rev-parse", "--git-path", "index"), target)


def _git(*words: str, environment: Mapping[str, str] | None = None) -> str:
    """What git answers; ValueError with its reason."""
    done = subprocess.run(
        ["git", *words], env=os.environ | (environment or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ValueError(f"git {words[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
