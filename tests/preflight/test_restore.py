"""What a killed or starved run left is kept, put right and reported; a workspace that is whole is not touched."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA

from m2m.commands import bake_off, check, grid
from m2m.preflight import dvc_locks, git_state, torn_files
from m2m.preflight.restore import restore_workspace
from m2m.runtime.atomic_files import HOST
from tests.grid.test_queued_commit import git
from tests.test_smoke import environment

STAGE = """  {name}:
    cmd: python {name}.py
    deps:
    - path: {name}.py
      hash: md5
      md5: d41d8cd98f00b204e9800998ecf8427e
      size: 0
"""
LOCK = "schema: '2.0'\nstages:\n" + STAGE.format(name="one") + STAGE.format(name="two")
NEWER = LOCK + STAGE.format(name="three")
ROOT = Path(__file__).parents[2]
PARAMS = (ROOT / "params.yaml").read_text()
MINE = f"{PARAMS}# mine\n"
DEAD = 2**22 + 1  # above the largest process number of Linux


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(dvc_locks, "GUARD_PAUSE", 0)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / ".dvc/tmp/exps").mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("/.dvc/tmp\n/.cache\n")
    for name, text in {"dvc.yaml": "stages: {}\n", "dvc.lock": LOCK, "params.yaml": PARAMS}.items():
        (tmp_path / name).write_text(text)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=1")
    return tmp_path


@pytest.fixture
def reported(clone: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    def mend() -> list[str]:
        restore_workspace()
        return capsys.readouterr().err.splitlines()

    return mend


def test_a_lock_is_parsed_only_after_something_has_written_it(
    clone: Path, reported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    has_stages = torn_files._has_stages

    def note(text: bytes) -> bool:
        parsed.append(text)
        return has_stages(text)

    monkeypatch.setattr(torn_files, "_has_stages", note)
    for text in (LOCK, NEWER):
        (clone / "dvc.lock").write_text(text)
        assert reported() == [] and set(parsed) == {text.encode()}
        parsed.clear()
        assert reported() == [] and parsed == []


@pytest.mark.parametrize("text", [NEWER[:-9], f"<<<<<<< ours\n{NEWER}"], ids=["torn", "of a merge"])
def test_a_lock_that_is_not_whole_is_never_copied(clone: Path, text: str) -> None:
    torn_files.copy_whole_files()
    (clone / "dvc.lock").write_text(text)
    torn_files.copy_whole_files()
    assert (torn_files.COPIES_FOLDER / "dvc.lock").read_text() == LOCK


def test_a_whole_workspace_is_left_alone_in_silence(clone: Path, reported: Any) -> None:
    assert reported() == []
    assert git(clone, "status", "--short") == ""


def test_elsewhere_than_in_a_clone_nothing_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    restore_workspace()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_cut_anywhere_is_one_that_dvc_reads(clone: Path, reported: Any) -> None:
    """Every length; DVC itself looks up in its run cache what a lock without its last stages lacks."""
    for length in range(len(NEWER)):
        (clone / "dvc.lock").write_text(NEWER[:length])
        sentences = reported()
        lock = COMPILED_LOCKFILE_SCHEMA(yaml.safe_load((clone / "dvc.lock").read_text()))
        if sentences:
            kept = clone / sentences[0].split("What was there is ")[1].rstrip(".")
            assert kept.read_text() == NEWER[:length]
            shutil.rmtree(kept.parent)
        hashes = {dep["md5"] for stage in lock["stages"].values() for dep in stage.get("deps", []) if "md5" in dep}
        assert hashes <= {"d41d8cd98f00b204e9800998ecf8427e"}
        assert "one" in lock["stages"]


def test_the_last_whole_copy_is_newer_than_the_commit(clone: Path, reported: Any) -> None:
    (clone / "dvc.lock").write_text(NEWER)
    assert reported() == []
    (clone / "dvc.lock").write_text("")
    assert reported() == [
        "mended: dvc.lock was incomplete, as after a kill or on a full disk. It is restored from the last command's "
        "copy, .cache/whole/dvc.lock. What was there is .cache/kept/dvc.lock.1."
    ]
    assert (clone / "dvc.lock").read_text() == NEWER


def test_a_torn_lock_that_nobody_else_has_is_removed(clone: Path, reported: Any) -> None:
    git(clone, "rm", "--quiet", "--cached", "dvc.lock")
    git(clone, "commit", "--quiet", "--message=2")
    (clone / "dvc.lock").write_text("schema: '2.")
    assert "No whole one was found, so it is removed." in reported()[0]
    assert not (clone / "dvc.lock").exists()
    assert (clone / ".cache/kept/dvc.lock.1").read_text() == "schema: '2."


@pytest.mark.parametrize("text", ["", "\n\n", "\0\0\0", None])
def test_empty_settings_are_restored_with_what_no_commit_has(clone: Path, reported: Any, text: str | None) -> None:
    (clone / "params.yaml").write_text(MINE)
    reported()
    (clone / "params.yaml").unlink()
    if text is not None:
        (clone / "params.yaml").write_text(text)
    [sentence] = reported()
    assert sentence.startswith("mended: params.yaml was incomplete")
    assert (clone / "params.yaml").read_text() == MINE


@pytest.mark.parametrize("part", ["half", "one block", "not YAML", "a list"])
def test_half_written_settings_never_take_the_place_of_the_copy_that_the_error_names(
    clone: Path, reported: Any, part: str
) -> None:
    (clone / "params.yaml").write_text(MINE)
    reported()
    texts = {"half": MINE[: len(MINE) // 2], "one block": "seed: 1\n", "not YAML": MINE + "a: [", "a list": "[1]"}
    (clone / "params.yaml").write_text(texts[part])
    assert reported() == []
    assert (clone / ".cache/whole/params.yaml").read_text() == MINE
    if part == "half":
        with pytest.raises(ValueError, match=r"take it from \.cache/whole/params\.yaml or git show HEAD:params"):
            check.main()
    (clone / "params.yaml").unlink()
    assert "from the last command's copy, .cache/whole/params.yaml." in reported()[0]
    assert (clone / "params.yaml").read_text() == MINE


def test_the_last_two_settings_are_kept(clone: Path, reported: Any) -> None:
    texts = [f"{PARAMS}# {number}\n" for number in range(3)]
    for text in texts:
        (clone / "params.yaml").write_text(text)
        reported()
    copies = [clone / ".cache/whole" / name for name in ("params.yaml.1", "params.yaml")]
    assert [path.read_text() for path in copies] == texts[1:]
    copies[1].write_text("")
    (clone / "params.yaml").unlink()
    assert "from the last command's copy, .cache/whole/params.yaml.1." in reported()[0]


def test_settings_that_are_wrong_otherwise_are_a_persons(clone: Path, reported: Any) -> None:
    (clone / "params.yaml").write_text("subset: {size: 5\n")
    assert reported() == []
    assert (clone / "params.yaml").read_text() == "subset: {size: 5\n"


def test_a_lock_that_dvc_is_writing_is_not_restored(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import zc.lockfile

    monkeypatch.setattr(dvc_locks, "GUARD_TRIES", 2)
    (clone / "dvc.lock").write_text("")
    lock = zc.lockfile.LockFile(".dvc/tmp/lock")
    with pytest.raises(ValueError, match=r"dvc\.lock is incomplete, and a DVC command is at work here\. Wait"):
        restore_workspace()
    assert (clone / "dvc.lock").read_text() == ""

    def write_to_the_end(_: float) -> None:
        (clone / "dvc.lock").write_text(NEWER)

    monkeypatch.setattr(dvc_locks.time, "sleep", write_to_the_end)
    restore_workspace()
    lock.close()
    assert (clone / "dvc.lock").read_text() == NEWER


@pytest.mark.parametrize("text", ["", '{"write": {"/a', '{"write": {"/a": {"cmd": "dvc repro"}}}', "[]", "3"])
def test_a_torn_table_is_removed_and_dvc_goes_on(clone: Path, reported: Any, text: str) -> None:
    (clone / ".dvc/tmp/rwlock").write_text(text)
    assert reported() == [
        "mended: .dvc/tmp/rwlock was incomplete, as after a kill or on a full disk. It is removed: DVC makes a new one."
    ]
    assert not (clone / ".dvc/tmp/rwlock").exists()


@pytest.fixture
def process(request: Any) -> Iterator[int]:
    """A process that is called as the parameter says, and sleeps."""
    sleeping = subprocess.Popen([request.param, "60"], executable=shutil.which("sleep"))
    yield sleeping.pid
    sleeping.kill()
    sleeping.wait()


@pytest.mark.parametrize("process", ["/opt/bin/dvc"], indirect=True)
@pytest.mark.parametrize("command", [grid.main, bake_off.main])
def test_no_grid_begins_beside_another_run(clone: Path, process: int, command: Any) -> None:
    write_table(clone / ".dvc/tmp/rwlock", process)
    with pytest.raises(ValueError, match=r"Another run is at work in this folder: dvc repro"):
        command()


def test_what_a_killed_command_was_writing_is_removed_and_told(clone: Path, reported: Any) -> None:
    (clone / "data").mkdir()
    (clone / f"data/.a.csv.{HOST}.{DEAD}.part").write_text("half")
    (clone / f".git/.a.{HOST}.{DEAD}.part").write_text("not ours")
    (clone / f"data/.b.csv.{HOST}.{os.getppid()}.part").write_text("being written")
    assert reported() == [
        f"mended: data/.a.csv.{HOST}.{DEAD}.part was half-written by a command that was killed. It is removed."
    ]
    assert [path.name for path in (clone / "data").iterdir()] == [f".b.csv.{HOST}.{os.getppid()}.part"]
    assert (clone / f".git/.a.{HOST}.{DEAD}.part").exists()


def age(path: Path, seconds: float = git_state.STALE_AGE) -> None:
    """Let the file be `seconds` old."""
    os.utime(path, (time.time() - seconds,) * 2)


def write_table(path: Path, pid: int) -> None:
    entry = {"pid": pid, "cmd": "dvc repro"}
    path.write_text(json.dumps({"write": {"/a": entry}, "read": {"/b": [entry], "/c": []}}))


@pytest.mark.parametrize("process", ["/opt/postgres"], indirect=True)
def test_what_dead_processes_hold_is_free_also_where_another_has_their_number(
    clone: Path, reported: Any, process: int
) -> None:
    for pid in (DEAD, process):
        write_table(clone / ".dvc/tmp/rwlock", pid)
        age(clone / ".dvc/tmp/rwlock")
        dvc_locks.require_idle()
        assert reported() == []
        assert json.loads((clone / ".dvc/tmp/rwlock").read_text()) == {"write": {}, "read": {}}


def test_a_killed_process_that_nobody_has_waited_for_is_dead(clone: Path, reported: Any) -> None:
    killed = subprocess.Popen(["sleep", "60"])
    write_table(clone / ".dvc/tmp/rwlock", killed.pid)
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(killed.pid).status() == psutil.STATUS_ZOMBIE
    dvc_locks.require_idle()
    assert reported() == []
    assert json.loads((clone / ".dvc/tmp/rwlock").read_text()) == {"write": {}, "read": {}}
    killed.wait()


@pytest.mark.parametrize("process", ["/opt/bin/dvc", "/opt/bin/jupyter", "train"], indirect=True)
def test_a_second_run_is_told_of_the_first_in_one_sentence(clone: Path, reported: Any, process: int) -> None:
    write_table(clone / ".dvc/tmp/rwlock", process)
    before = (clone / ".dvc/tmp/rwlock").read_text()
    assert reported() == []
    assert (clone / ".dvc/tmp/rwlock").read_text() == before
    with pytest.raises(ValueError, match=rf"Another run is at work in this folder: dvc repro \(process {process}\)"):
        dvc_locks.require_idle()


def test_locks_that_a_killed_git_left_are_moved_away(clone: Path, reported: Any) -> None:
    (clone / ".git/index.lock").write_text("half")
    (clone / ".git/refs/heads/main.lock").write_text("")
    for name in ("index.lock", "refs/heads/main.lock"):
        age(clone / ".git" / name)
    assert [sentence.split(" was left")[0] for sentence in reported()] == [
        "mended: .git/index.lock",
        "mended: .git/refs/heads/main.lock",
    ]
    assert (clone / ".cache/kept/index.lock.1").read_text() == "half"
    git(clone, "commit", "--quiet", "--allow-empty", "--message=works again")


def test_locks_of_a_git_that_works_here_stay(clone: Path, reported: Any) -> None:
    (clone / ".git/index.lock").write_text("")
    working = subprocess.Popen(
        ["git", "hash-object", "--stdin"], cwd=clone, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert reported() == []
    working.communicate(b"")
    assert (clone / ".git/index.lock").exists()


def test_a_young_lock_is_waited_for_and_moved_only_if_it_stays(
    clone: Path, reported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a git on another machine of a shared disk: no process is in sight."""
    lock, looks = clone / ".git/index.lock", list[float]()
    lock.write_text("being written")

    def write_to_the_end(seconds: float) -> None:
        looks.append(seconds)
        lock.unlink()

    monkeypatch.setattr(git_state.time, "sleep", write_to_the_end)
    [line] = reported()
    assert line.startswith("waits 60 s at most: a git that is not in sight may hold .git/index.lock")
    assert (looks, list((clone / ".cache").glob("kept/*"))) == ([git_state.STALE_PAUSE], [])
    lock.write_text("half")
    clock = iter(range(0, 1000, 40))
    monkeypatch.setattr(git_state.time, "monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(git_state.time, "sleep", looks.append)
    _, moved = reported()
    assert moved.startswith("mended: .git/index.lock was left by a git that was killed")
    assert looks == [git_state.STALE_PAUSE] * 2


def test_a_lock_that_a_process_holds_open_stays_whatever_its_age_and_the_processs_name(
    clone: Path, reported: Any
) -> None:
    """As one of a Python that writes git's index by a library."""
    lock = clone / ".git/index.lock"
    with lock.open("w"):
        age(lock, 3600)
        assert reported() == [] and lock.exists()
    age(lock, 3600)
    assert len(reported()) == 1 and not lock.exists()


@pytest.mark.parametrize("process", ["/opt/bin/jupyter"], indirect=True)
@pytest.mark.parametrize("table", [".dvc/tmp/rwlock", ".dvc/tmp/exps/rwlock"])
def test_beside_a_notebook_that_runs_dvc_the_locks_of_git_stay(
    clone: Path, reported: Any, process: int, table: str
) -> None:
    (clone / ".git/index.lock").write_text("")
    age(clone / ".git/index.lock")
    write_table(clone / table, process)
    assert reported() == [] and (clone / ".git/index.lock").exists()


DATES = pytest.mark.parametrize("date", ["2001-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])


def note_queueing(clone: Path, pid: int = DEAD) -> None:
    table = {"write": {"workspace": {"pid": pid, "cmd": "dvc exp run --queue"}}, "read": {}}
    (clone / ".dvc/tmp/exps/rwlock").write_text(json.dumps(table))


def stash_as_dvc(clone: Path, detach: bool, date: str = "") -> None:
    """The state in which `dvc exp run --queue` was killed: its steps one by one, as DVC's own reflog shows them."""
    note_queueing(clone)
    (clone / "params.yaml").write_text(MINE)
    (clone / "dvc.yaml").write_text("stages: {} # staged\n")
    git(clone, "add", "dvc.yaml")
    env = environment() | ({"GIT_COMMITTER_DATE": date} if date else {})
    subprocess.run(["git", "stash", "push", "--quiet"], cwd=clone, env=env, check=True)
    if detach:
        git(clone, "checkout", "--quiet", git(clone, "rev-parse", "HEAD"))
        (clone / "params.yaml").write_text("subset:\n  size: 99\n")


@pytest.mark.parametrize("detach", [False, True])
def test_the_workspace_comes_back_from_the_stash_of_a_killed_queueing(clone: Path, reported: Any, detach: bool) -> None:
    stash_as_dvc(clone, detach)
    [sentence] = reported()
    assert sentence.startswith("mended: DVC was killed while it queued a cell. Your uncommitted changes are back")
    assert ("HEAD is on main again" in sentence) == detach
    assert (clone / "params.yaml").read_text() == MINE
    assert git(clone, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(clone, "status", "--short").split("\n") == ["M  dvc.yaml", " M params.yaml"]
    assert git(clone, "stash", "list") == ""
    if detach:
        kept = sentence.rsplit("git show ", 1)[1].rstrip(".")
        assert git(clone, "show", f"{kept}:params.yaml") == "subset:\n  size: 99"
    assert reported() == []


@pytest.mark.parametrize("process", ["/opt/bin/jupyter"], indirect=True)
def test_a_notebook_that_queues_a_cell_keeps_the_workspace_in_its_stash(
    clone: Path, reported: Any, process: int
) -> None:
    stash_as_dvc(clone, detach=True)
    note_queueing(clone, process)
    assert reported() == []
    assert len(git(clone, "stash", "list").splitlines()) == 1
    assert (clone / "params.yaml").read_text() == "subset:\n  size: 99\n"


def test_a_table_that_is_being_written_is_not_torn(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC writes it in place, under a lock of its own: a reader in between sees half of it."""
    import zc.lockfile

    table = clone / ".dvc/tmp/exps/rwlock"
    table.write_text('{"write": {"work')
    assert dvc_locks.is_torn_table(table)
    lock = zc.lockfile.LockFile(".dvc/tmp/exps/rwlock.lock")

    def write_to_the_end(_: float) -> None:
        note_queueing(clone)
        lock.close()

    monkeypatch.setattr(dvc_locks.time, "sleep", write_to_the_end)
    assert not dvc_locks.is_torn_table(table)


@pytest.mark.parametrize("text", ["", '{"write": {"work'])
def test_it_comes_back_where_the_table_that_said_so_is_torn_too(clone: Path, reported: Any, text: str) -> None:
    stash_as_dvc(clone, detach=True)
    (clone / ".dvc/tmp/exps/rwlock").write_text(text)
    assert "Your uncommitted changes are back" in reported()[0]
    assert (clone / "params.yaml").read_text() == MINE


@pytest.mark.parametrize("detach", [False, True])
def test_beside_a_torn_table_a_stash_of_ones_own_stays(clone: Path, reported: Any, detach: bool) -> None:
    stash_as_dvc(clone, detach)
    os.utime(clone / ".git/logs/refs/stash", (time.time() - 60,) * 2)
    (clone / ".dvc/tmp/exps/rwlock").write_text("")
    reported()
    assert len(git(clone, "stash", "list").splitlines()) == 1


def test_a_git_of_another_person_keeps_its_locks(clone: Path, reported: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: Any) -> str:
        raise psutil.AccessDenied(process.pid)

    (clone / ".git/index.lock").write_text("")
    working = subprocess.Popen(
        ["git", "hash-object", "--stdin"], cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    monkeypatch.setattr(psutil.Process, "cwd", refuse)
    assert reported() == []
    working.communicate(b"")
    assert (clone / ".git/index.lock").exists()


def test_a_stash_of_a_persons_own_is_left_alone(clone: Path, reported: Any) -> None:
    (clone / "params.yaml").write_text(MINE)
    git(clone, "stash", "push", "--quiet")
    git(clone, "checkout", "--quiet", "--detach")
    assert reported() == []
    assert len(git(clone, "stash", "list").splitlines()) == 1
    assert git_state._find_branch() == ""


@DATES
def test_it_comes_back_whatever_the_clock_of_its_commit_says(clone: Path, reported: Any, date: str) -> None:
    """As on a shared disk whose server has another time, or after a jump of the clock."""
    stash_as_dvc(clone, detach=True, date=date)
    [sentence] = reported()
    assert "Your uncommitted changes are back" in sentence
    assert (clone / "params.yaml").read_text() == MINE


@DATES
def test_an_older_stash_stays_whatever_the_clock_of_its_commit_says(clone: Path, reported: Any, date: str) -> None:
    stash_as_dvc(clone, detach=False, date=date)
    os.utime(clone / ".git/logs/refs/stash", (time.time() - 60,) * 2)
    assert reported() == []
    assert len(git(clone, "stash", "list").splitlines()) == 1


def test_an_older_stash_stays_though_dvc_was_killed_after_it(clone: Path, reported: Any) -> None:
    """DVC stashes nothing where nothing has changed: what is in the stash is a person's."""
    (clone / "params.yaml").write_text(MINE)
    git(clone, "stash", "push", "--quiet")
    note_queueing(clone)
    os.utime(clone / ".dvc/tmp/exps/rwlock", (time.time() + 60,) * 2)
    reported()
    assert len(git(clone, "stash", "list").splitlines()) == 1
    assert (clone / "params.yaml").read_text() == PARAMS


def test_a_lock_with_a_merge_conflict_is_a_persons(clone: Path, reported: Any) -> None:
    conflict = f"<<<<<<< HEAD\n{LOCK}=======\n{LOCK}>>>>>>> theirs\n"
    (clone / "dvc.lock").write_text(conflict)
    assert reported() == []
    assert (clone / "dvc.lock").read_text() == conflict


def test_a_lock_of_the_git_whose_hook_we_are_stays(clone: Path) -> None:
    hook = clone / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    root = Path(__file__).parents[2]
    code = "from m2m.preflight.restore import restore_workspace; restore_workspace()"
    hook.write_text(f"#!/bin/sh\nPYTHONPATH={root} exec {sys.executable} -c '{code}'\n")
    hook.chmod(0o755)
    (clone / "params.yaml").write_text("subset:\n  size: 7\n")
    assert "mended" not in git(clone, "commit", "--all", "--message=2")
    assert git(clone, "status", "--short") == ""


def test_copies_that_cannot_be_written_are_a_warning(
    clone: Path, reported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torn_files, "COPIES_FOLDER", Path("/proc/whole"))
    [line] = reported()
    assert line.startswith("warning: params.yaml and dvc.lock could not be copied for a later restore: ")


def test_every_command_mends_first_and_help_does_not(clone: Path) -> None:
    (clone / "params.yaml").write_text("")
    (clone / "m2m/preflight").mkdir(parents=True)  # it marks a clone
    environ = environment() | {"PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-m", "m2m", "plan"]
    run = subprocess.run([*words, "--help"], env=environ, capture_output=True, text=True)
    assert (run.returncode, run.stderr, Path("params.yaml").stat().st_size) == (0, "", 0)
    run = subprocess.run(words, env=environ, capture_output=True, text=True)
    assert run.stderr.startswith("mended: params.yaml was incomplete")
    assert (clone / "params.yaml").read_text() == PARAMS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/venv/bin/python /venv/bin/dvc repro dvc.yaml", True),
        ("/venv/bin/python3.11 -X utf8 -m dvc exp queue-worker dvc-exp-1@localhost", True),
        ("/usr/bin/python /venv/lib/python3.11/site-packages/dvc/__main__.py daemon updater", True),
        ("python -m m2m grid --jobs 1", True),
        ("/usr/local/bin/dvc push", True),
        ("/venv/bin/python -P -W error -Xutf8 /venv/bin/dvc push", True),
        ("python --check-hash-based-pycs always -um m2m use tiny", True),
        ("python -mdvc status", True),
        ("python /srv/dvc/train.py", False),
        ("python /srv/m2m/stages/base.py data/corpus.parquet", False),
        ("python train.py dvc", False),
        ("python -m pytest -m dvc", False),
        ("python -c pass m2m", False),
        ("python - dvc", False),
        ("python -X dvc train.py", False),
        ("python", False),
        ("git -C /srv/dvc status", False),
        ("python train.py /srv/dvc/pool.jsonl", False),
        ("vim /srv/dvc/notes.py", False),
        ("less /home/person/dvc", False),
        ("tail -f /srv/dvc/.cache/grid/worker-1.log", False),
        ("", False),
    ],
)
def test_only_a_process_that_runs_dvc_or_us_is_taken_for_one(line: str, expected: bool) -> None:
    assert dvc_locks._is_command(line.split()) is expected
