"""DVC is killed where it hurts most, in a real repository: one look, and the same command ends as undisturbed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from m2m.preflight.restore import restore_workspace
from tests.grid.test_queued_commit import UNCOMMITTED, clone, describe, git
from tests.test_smoke import environment, run

__all__ = ["clone"]  # the fixture
ROOT = Path(__file__).parents[2]
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


FOLDER_PIPELINE = "stages:\n  read:\n    cmd: ls answers > out.txt\n    deps: [answers]\n    outs: [out.txt]\n"
WRITE = """
import os
from pathlib import Path
import polars as pl
from m2m.runtime.artifacts import write_table
from m2m.schemas.histogram import Histogram
os.fsync = lambda _: os._exit(9)
write_table(Path("answers/b.csv"), Histogram, pl.DataFrame([{"band": "low", "count": 1, "types": 1, "occurrences": 1}]))
"""


@pytest.mark.long
def test_a_table_half_written_in_a_folder_that_a_stage_reads_changes_no_lock(clone: Path) -> None:
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, clone / name)
    (clone / "dvc.yaml").write_text(FOLDER_PIPELINE)
    (clone / "answers").mkdir()
    (clone / "answers/a.txt").write_text("a")
    run(clone, "dvc", "repro")
    expected, status = (clone / "dvc.lock").read_bytes(), git(clone, "status", "--short")
    environ = environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", WRITE], cwd=clone, env=environ, capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    assert [path.suffix for path in (clone / "answers").glob(".b.csv.*")] == [".part"]
    assert git(clone, "status", "--short") == status
    run(clone, "dvc", "repro", "--force")
    assert (clone / "dvc.lock").read_bytes() == expected and (clone / "out.txt").read_text() == "a.txt\n"
    restore_workspace()
    assert [path.name for path in (clone / "answers").iterdir()] == ["a.txt"]
