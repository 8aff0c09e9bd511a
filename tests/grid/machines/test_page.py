"""The page on several machines: its blocks run, and the commands of Ray and Slurm take its flags."""

import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from m2m.grid.machines.grid_remotes import push_snapshot, require_remotes
from m2m.grid.queued_commit import write_snapshot
from tests import slurm_cluster
from tests.test_docs import block_commands
from tests.test_smoke import environment, run
from tests.toy_grid import make_toy_repository

PAGE = (Path(__file__).parents[3] / "docs/how-to/more-than-one-machine.md").read_text(encoding="utf-8")
SHARED_DISK = re.search(r"^ *git init --bare /shared.*?(?=^ *```)", PAGE, re.MULTILINE | re.DOTALL)


def list_flags(tool: str) -> set[str]:
    words = [
        word for command in block_commands(PAGE) if command[: len(tool.split())] == tool.split() for word in command
    ]
    return {word.split("=")[0] for word in words if word.startswith("--")}


@pytest.mark.long
def test_the_remotes_of_the_page_are_those_that_a_grid_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a clone whose origin is elsewhere, as after the page's first step."""
    make_toy_repository(tmp_path)
    run(tmp_path / "clone", "dvc", "remote", "remove", "store")
    run(tmp_path / "clone", "git", "commit", "--quiet", "--all", "--message", "no remote yet")
    run(tmp_path, "git", "clone", "--quiet", "clone", "fresh")
    assert SHARED_DISK
    script = SHARED_DISK[0].replace("/shared/", f"{tmp_path}/shared/")
    assert script.count(str(tmp_path)) == 4
    words = ["bash", "-e", "-c", script]
    subprocess.run(words, cwd=tmp_path / "fresh", env=environment(), check=True, capture_output=True)
    monkeypatch.chdir(tmp_path / "fresh")
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    assert require_remotes() == f"{tmp_path}/shared/study.git"
    shutil.copytree(tmp_path / "clone/.dvc/cache", tmp_path / "fresh/.dvc/cache")
    snapshot = push_snapshot(require_remotes(), write_snapshot())
    assert snapshot.ref in run(tmp_path / "fresh", "git", "ls-remote", "origin")
    assert sorted(path.name for path in (tmp_path / "shared/dvc").iterdir()) == ["files", "m2m-remote"]


@pytest.mark.long
@pytest.mark.skipif(find_spec("ray") is None, reason="NO RAY HERE: its flags were not checked (make ray)")
def test_ray_takes_the_flags_of_the_page() -> None:
    words = [sys.executable, "-m", "ray.scripts.scripts", "start", "--help"]
    taken = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert len(flags := list_flags("ray start")) > 5
    assert {flag for flag in flags if flag not in taken} == set()


@pytest.mark.skipif(bool(slurm_cluster.MISSING), reason=slurm_cluster.WARNING)
def test_slurm_takes_the_flags_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "slurm.conf").write_text("ClusterName=test\nSlurmctldHost=localhost\n")  # without one it has no help
    variables = environment() | {"SLURM_CONF": str(tmp_path / "slurm.conf")}
    helps = {}
    for tool in ("sbatch", "srun"):
        done = subprocess.run([tool, "--help"], env=variables, capture_output=True, text=True, check=True)
        helps[tool] = done.stdout
    assert {flag for flag in list_flags("sbatch") if flag not in helps["sbatch"]} == set()
    [driver] = [command[-1] for command in block_commands(PAGE) if command[0] == "sbatch"]
    assert shlex.split(driver) in list(block_commands(PAGE))  # the full line of the grid
    words = shlex.split(driver)[-1].split()
    assert [word for word in words for text in helps.values() if f"--{word.split('=')[0]}" not in text] == []
