"""Queueing a cell leaves the workspace alone: DVC runs the same cell as it would after `dvc exp run --queue`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from m2m.grid import dvc_queue, queued_commit
from m2m.grid.queued_commit import write_snapshot
from tests.test_smoke import environment

PIPELINE = (
    "stages:\n  copy:\n    cmd: cp code.txt out.txt\n    params: [x, y]\n    deps: [code.txt]\n    outs: [out.txt]\n"
)
COMMITTED, UNCOMMITTED = "x: 1 # first\ny: 2\n", "x: 1 # first\ny: 5\n"


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, env=environment(), check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with an uncommitted setting, an added file, a staged and an unstaged change."""
    from dvc.repo import Repo

    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    Repo.init(str(tmp_path)).close()
    files = {
        "dvc.yaml": PIPELINE,
        "params.yaml": COMMITTED,
        "code.txt": "1",
        "other.txt": "1",
        ".gitignore": "/out.txt\n/.cache\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=1")
    (tmp_path / "params.yaml").write_text(UNCOMMITTED)
    (tmp_path / "code.txt").write_text("2")
    git(tmp_path, "add", "code.txt")
    (tmp_path / "added.txt").write_text("new")
    git(tmp_path, "add", "added.txt")
    (tmp_path / "other.txt").write_text("3")
    return tmp_path


def describe(folder: Path) -> Any:
    """All that a person would miss: files, index, branch, stash."""
    files = {path.name: path.read_bytes() for path in folder.glob("*.*") if path.is_file()}
    return files, git(folder, "status", "--short"), git(folder, "symbolic-ref", "HEAD"), git(folder, "stash", "list")


def test_the_workspace_is_as_it_was_and_the_cell_has_all_of_it(clone: Path) -> None:
    before = describe(clone)
    snapshot = write_snapshot()
    dvc_queue.put(snapshot, "cell-1", ["x=3"])
    dvc_queue.put(snapshot, "cell-2", ["x=4", "y=6"])
    assert describe(clone) == before
    entries = {entry.name: entry.key for entry in dvc_queue.list_entries()}
    assert sorted(entries) == ["cell-1", "cell-2"]
    shown = {name: git(clone, "show", f"{key}:params.yaml") for name, key in entries.items()}
    assert shown == {"cell-1": "x: 3 # first\ny: 5", "cell-2": "x: 4 # first\ny: 6"}
    for name, text in (("code.txt", "2"), ("added.txt", "new"), ("other.txt", "3")):
        assert git(clone, "show", f"{entries['cell-1']}:{name}") == text
    assert git(clone, "rev-parse", f"{entries['cell-1']}^1") == git(clone, "rev-parse", "HEAD")


def edit(folder: Path) -> None:
    """What a person may do while a grid runs: other settings and code, and a commit."""
    (folder / "params.yaml").write_text("x: 1 # first\ny: 9\n")
    (folder / "code.txt").write_text("9")
    git(folder, "commit", "--quiet", "--all", "--allow-empty", "--message=2")


def test_a_cell_that_is_queued_later_has_the_files_of_the_snapshot_and_not_those_of_the_moment(clone: Path) -> None:
    snapshot = write_snapshot()
    for name in ("first", "later"):
        dvc_queue.put(snapshot, name, ["x=3"])
        edit(clone)
    first, later = (entry.key for entry in sorted(dvc_queue.list_entries()))
    assert git(clone, "rev-parse", f"{later}^{{tree}}") != git(clone, "rev-parse", "HEAD^{tree}")
    for path in ("params.yaml", "code.txt", "added.txt", "other.txt"):
        assert git(clone, "show", f"{later}:{path}") == git(clone, "show", f"{first}:{path}")
    assert git(clone, "rev-parse", f"{later}^1") == git(clone, "rev-parse", "HEAD~2") == snapshot.head


def test_a_change_in_the_second_of_the_last_commit_is_in_the_snapshot_and_in_the_cell(clone: Path) -> None:
    """Git tells such a change, of as many bytes, only while the index is not newer than the file."""
    git(clone, "config", "core.trustctime", "false")
    other, index = clone / "other.txt", clone / ".git/index"
    for text in ("3", "4"):
        other.write_text(text)
        os.utime(other, (1_700_000_000, 1_700_000_000))
        if text == "3":
            git(clone, "add", "other.txt")
            os.utime(index, (1_700_000_000, 1_700_000_000))
    snapshot = write_snapshot()
    for commit in (snapshot, queued_commit.write_queued_commit(snapshot, "cell", ["x=3"], {})):
        assert git(clone, "show", f"{commit.revision}:other.txt") == "4"


def test_an_override_that_does_not_fit_is_refused_in_one_sentence(clone: Path) -> None:
    with pytest.raises(ValueError, match="DVC's queue refused"):
        dvc_queue.put(write_snapshot(), "cell", ["z=3"])
    assert dvc_queue.list_entries() == []


@pytest.mark.parametrize("step", range(1, 17))
def test_a_kill_before_any_of_its_steps_loses_nothing(clone: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The kill is an exception that nothing catches, in place of one of the sixteen calls of git."""
    before, calls, real = describe(clone), [], queued_commit._git

    def killed(*words: str, **options: Any) -> str:
        calls.append(words)
        if len(calls) == step:
            raise KeyboardInterrupt
        return real(*words, **options)

    monkeypatch.setattr(queued_commit, "_git", killed)
    with pytest.raises(KeyboardInterrupt):
        dvc_queue.put(write_snapshot(), "cell", ["x=3"])
    assert describe(clone) == before


@pytest.mark.long
def test_dvc_runs_what_was_queued_whatever_the_workspace_has_become(clone: Path) -> None:
    snapshot, head = write_snapshot(), git(clone, "rev-parse", "HEAD")
    edit(clone)
    dvc_queue.put(snapshot, "cell", ["x=3"])
    words = [sys.executable, "-m", "dvc", "queue", "start"]
    subprocess.run(words, env=environment(), check=True, capture_output=True)
    from tests.test_smoke import wait_for_the_queue

    wait_for_the_queue(clone)
    experiment = f"refs/exps/{head[:2]}/{head[2:]}/cell"
    assert git(clone, "show", f"{experiment}:params.yaml") == "x: 3 # first\ny: 5"
    assert "md5: c81e728d9d4c2f636f067f89cc14862c" in git(
        clone, "show", f"{experiment}:dvc.lock"
    )  # of "2", uncommitted
