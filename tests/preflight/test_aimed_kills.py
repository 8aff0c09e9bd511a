"""DVC is killed where it hurts most, in a real repository: one look, and the same command ends as undisturbed."""

import subprocess
import sys
from pathlib import Path

import pytest

from m2m.preflight.restore import restore_workspace
from tests.grid.test_queued_commit import UNCOMMITTED, clone, describe, git
from tests.test_smoke import environment, run

__all__ = ["clone"]  # the fixture
REPRO = "with Repo() as repo: repo.reproduce()"
QUEUE = 'with Repo() as repo: repo.experiments.run(queue=True, name="cell", params=["x=3"])'
TORN = "(file.write({text!r}), file.close(), os._exit(9))"
KILLS = {  # the place, by a patch of DVC that ends the process there, and the call that reaches it
    "dvc.lock half written": (f"_yaml._dump = lambda data, file: {TORN.format(text='schema: 2')}", REPRO),
    "dvc.lock empty": ("_yaml._dump = lambda data, file: os._exit(9)", REPRO),
    "rwlock torn": (f"rwlock.json.dump = lambda lock, file: {TORN.format(text='{')}", REPRO),
    "stage done, not locked": ("dvcfile.Lockfile.dump_stages = lambda *_, **__: os._exit(9)", REPRO),
    "workspace stashed": ("Stash.push = lambda self, real=Stash.push, **_: (real(self), os._exit(9))", QUEUE),
    "HEAD detached": ("base.BaseStashQueue._update_params = lambda *_, **__: os._exit(9)", QUEUE),
    "not yet popped": ("Stash.pop = lambda *_, **__: os._exit(9)", QUEUE),
}
IMPORTS = """
import os
from dvc import dvcfile, rwlock
from dvc.repo import Repo
from dvc.repo.experiments.queue import base
from dvc.utils.serialize import _yaml
from scmrepo.git.stash import Stash
"""


@pytest.mark.long
@pytest.mark.parametrize("place", KILLS)
def test_after_one_look_the_same_command_ends_as_undisturbed(clone: Path, place: str) -> None:
    patch, call = KILLS[place]
    run(clone, "dvc", "repro")
    expected = (clone / "dvc.lock").read_bytes()
    (clone / "code.txt").write_text("4")
    git(clone, "add", "dvc.lock")
    before = describe(clone)
    code = f"{IMPORTS}{patch}\n{call}"
    done = subprocess.run([sys.executable, "-c", code], cwd=clone, env=environment(), capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    restore_workspace()
    if call == QUEUE:
        assert describe(clone) == before
    assert (clone / "params.yaml").read_text() == UNCOMMITTED
    (clone / "code.txt").write_text("2")
    run(clone, "dvc", "repro")
    assert (clone / "dvc.lock").read_bytes() == expected
    assert (clone / "out.txt").read_text() == "2"
