"""On a full or read-only disk nothing is torn, a sentence says why, and the same command goes on when there is room."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import yaml

from m2m.preflight.torn_files import STAGE_LOCKS
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.bands import Bands
from tests.grid.test_queued_commit import git
from tests.test_smoke import ROOT, environment

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        os.geteuid() != 0, reason="a small disk is mounted, which needs root: unshare -rm make test-long"
    ),
]
SMALL, LARGE = "size=256k", "size=16m"
STAGE = """stages:
  make:
    cmd: python make.py
    deps: [make.py]
    outs: [out.bin]
"""
MAKE = 'import random\nopen("out.bin", "wb").write(random.Random(1).randbytes(1_000_000))\n'
Mount = Callable[[Path, str], None]


@pytest.fixture
def mount() -> Iterator[Mount]:
    """Mount a tmpfs at a folder, or mount it anew with other options; all are gone after the test."""
    mounted: list[Path] = []

    def act(folder: Path, options: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        again = "remount," if folder in mounted else ""
        subprocess.run(["mount", "-t", "tmpfs", "-o", again + options, "tmpfs", str(folder)], check=True)
        mounted.append(folder)

    yield act
    for folder in set(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = environment() | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)


def bands(rows: int) -> pl.DataFrame:
    words = [f"{row * 2654435761:x}" for row in range(rows)]
    return pl.DataFrame({"token": words, "text": words, "count": [1] * rows, "band": ["low"] * rows})


def fill(disk: Path) -> None:
    """Take all that is left."""
    with (disk / "ballast").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))


def test_a_table_on_a_full_disk_stays_the_old_one_until_there_is_room(tmp_path: Path, mount: Mount) -> None:
    disk = tmp_path / "data"
    mount(disk, SMALL)
    write_table(disk / "table.parquet", Bands, bands(10))
    with pytest.raises((OSError, pl.exceptions.PolarsError), match=r"No space left on device"):
        write_table(disk / "table.parquet", Bands, bands(200_000))
    assert [path.name for path in disk.iterdir()] == ["table.parquet"]
    assert len(read_table(disk / "table.parquet", Bands)) == 10
    mount(disk, LARGE)
    write_table(disk / "table.parquet", Bands, bands(200_000))
    assert len(read_table(disk / "table.parquet", Bands)) == 200_000


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (tmp_path / "profiles").symlink_to(ROOT / "profiles")
    (tmp_path / "dvc.yaml").write_text(STAGE)
    (tmp_path / "make.py").write_text(MAKE)
    (tmp_path / "m2m/preflight").mkdir(parents=True)  # it marks a clone
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    assert not run(tmp_path, "dvc", "init", "--quiet").returncode
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "one")
    return tmp_path


@pytest.mark.parametrize("place", [".dvc/cache", ".dvc/tmp"])
def test_dvcs_cache_on_a_full_disk_tears_nothing_and_the_same_commands_go_on(
    clone: Path, mount: Mount, place: str
) -> None:
    mount(clone / place, SMALL)
    fill(clone / place)
    failed = run(clone, "dvc", "repro")
    assert failed.returncode and "No space left on device" in failed.stderr, failed.stderr
    mount(clone / place, LARGE)
    check = run(clone, sys.executable, "-m", "m2m", "check")
    assert not check.returncode, check.stderr
    assert not run(clone, "dvc", "repro").returncode
    lock = yaml.safe_load((clone / STAGE_LOCKS[0]).read_text())
    (clone / "out.bin").unlink()
    assert not run(clone, "dvc", "checkout").returncode
    assert lock["stages"]["make"]["outs"][0]["size"] == len((clone / "out.bin").read_bytes()) == 1_000_000


def test_a_remote_that_is_full_in_a_push_holds_no_torn_file_and_the_same_push_goes_on(
    clone: Path, mount: Mount, tmp_path_factory: pytest.TempPathFactory
) -> None:
    remote = tmp_path_factory.mktemp("remote")
    mount(remote, SMALL)
    for words in (["dvc", "repro"], ["dvc", "remote", "add", "--default", "shared", str(remote)]):
        assert not run(clone, *words).returncode
    failed = run(clone, "dvc", "push")
    assert failed.returncode and "No space left on device" in failed.stderr, failed.stderr
    assert [path for path in (remote / "files").rglob("*") if path.is_file() and not is_whole(path)] == []
    mount(remote, LARGE)
    pushed = run(clone, "dvc", "push")
    assert not pushed.returncode and "1 file pushed" in pushed.stdout, pushed.stderr
    (clone / "out.bin").unlink()
    shutil.rmtree(clone / ".dvc/cache")
    assert not run(clone, "dvc", "pull").returncode
    assert len((clone / "out.bin").read_bytes()) == 1_000_000


def is_whole(path: Path) -> bool:
    """Whether a file of DVC's store has the hash that its place names; a temporary one has another name."""
    name = path.parent.name + path.name
    return len(name) != 32 or hashlib.md5(path.read_bytes()).hexdigest() == name


def test_a_command_in_a_read_only_clone_is_a_sentence(tmp_path: Path, mount: Mount) -> None:
    disk = tmp_path / "clone"
    mount(disk, LARGE)
    for name in ("params.yaml", "dvc.yaml"):
        (disk / name).write_bytes((ROOT / name).read_bytes())
    for mark in (".dvc", "m2m/preflight"):
        (disk / mark).mkdir(parents=True)
    (disk / "profiles").symlink_to(ROOT / "profiles")
    mount(disk, "ro")
    check, use = (run(disk, sys.executable, "-m", "m2m", *words) for words in (["check"], ["use", "tiny"]))
    assert not check.returncode and "could not be copied for a later restore" in check.stderr
    assert use.returncode and "Read-only file system" in use.stderr and "Traceback" not in use.stderr
    assert (disk / "params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()
