"""What docs/how-to/share-results.md says of a shared folder: everyone in the group can write what anyone has pushed."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.long


def run(folder: Path, umask: int, *words: str) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_"))}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
    subprocess.run(words, cwd=folder, env=env, check=True, capture_output=True, umask=umask)


def push(folder: Path, umask: int, *, is_shared: bool) -> set[Path]:
    """The folders of cache and remote that others of the group cannot write, after a push with the run cache."""
    clone, remote, cache = folder / "clone", folder / "remote", folder / "cache"
    for path in (clone, remote, cache):
        path.mkdir()
    for path in (remote, cache):
        path.chmod(0o2775)
    (clone / "a.txt").write_text("a")
    for words in (
        ("git", "init", "--quiet"),
        ("dvc", "init", "--quiet"),
        ("dvc", "remote", "add", "--default", "ours", str(remote)),
        ("dvc", "cache", "dir", str(cache)),
        *([("dvc", "remote", "modify", "ours", "shared", "group")] if is_shared else []),
        *([("dvc", "config", "cache.shared", "group")] if is_shared else []),
        ("dvc", "stage", "add", "--run", "-n", "copy", "-d", "a.txt", "-o", "b.txt", "cp a.txt b.txt"),
        ("dvc", "push", "--run-cache"),
    ):
        run(clone, umask, *words)
    folders = [path for top in (remote, cache) for path in (top, *top.rglob("*")) if path.is_dir()]
    assert len(list(remote.rglob("runs/*/*"))) == 1 and len(folders) > 8
    return {path.relative_to(folder) for path in folders if not path.stat().st_mode & stat.S_IWGRP}


def test_with_the_settings_of_the_page_the_whole_group_can_write(tmp_path: Path) -> None:
    assert push(tmp_path, 0o002, is_shared=True) == set()


def test_with_the_usual_umask_the_run_cache_is_closed_to_others_whatever_dvc_is_told(tmp_path: Path) -> None:
    assert Path("remote/runs") in push(tmp_path, 0o022, is_shared=True)


def test_the_page_names_these_settings() -> None:
    page = (ROOT / "docs/how-to/share-results.md").read_text(encoding="utf-8")
    for words in ("umask 002", "dvc remote modify ours shared group", "dvc config cache.shared group", "chmod 2775"):
        assert words in page
    for package in ("dvc-s3", "dvc-ssh"):
        assert f"\n{package}==" in (ROOT / "requirements/remotes.txt").read_text(encoding="utf-8")
    assert "make remotes" in page
