"""What a node does for a cell, as the program that it gets: in a process of its own, with a toy repository."""

import json
import os
import platform
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from m2m.grid.machines import node_folders, remote_calls, remote_cell
from m2m.grid.machines.grid_remotes import push_snapshot, require_remotes
from m2m.grid.machines.hardware import state_expected
from m2m.grid.machines.node_folders import make_folder
from m2m.grid.machines.node_program import build_program
from m2m.grid.machines.remote_runner import build_orders
from m2m.grid.queued_commit import write_snapshot
from m2m.node_facts import name_cpu, read_facts
from tests.test_smoke import environment, run
from tests.toy_grid import list_toy_cells, make_toy_repository

DRIVER = {**read_facts(), "packages": {"dvc": read_facts()["packages"]["dvc"]}}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    clone = make_toy_repository(folder)
    (folder / "cell.pyz").write_bytes(build_program())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(clone)
        snapshot = push_snapshot(require_remotes(), write_snapshot())
    orders = build_orders(list_toy_cells(9), snapshot, ["prepare"], 1, "m2m: run on L4", str(folder / "scratch"))
    (folder / "orders.json").write_text(json.dumps(orders))
    return folder


def start(folder: Path, name: str, changes: Any = None, **variables: str) -> Any:
    """The program with the order of a cell, whose standard input stays open."""
    order = json.loads((folder / "orders.json").read_text())[name] | {"expected": state_expected(DRIVER, DRIVER, 0)}
    order |= changes or {}
    env = environment() | {"TOY_RUNS": str(folder / "runs.log"), **variables}
    words = [sys.executable, str(folder / "cell.pyz"), "run"]
    process = subprocess.Popen(words, stdin=-1, stdout=-1, text=True, env=env)
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    return process


def finish(process: Any) -> Any:
    answer = process.stdout.read()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    return json.loads(answer)


def list_remote(folder: Path) -> str:
    return run(folder, "git", "ls-remote", "origin.git", "refs/exps/*")


@pytest.mark.long
def test_a_cell_reaches_both_remotes_and_is_not_run_again(toy: Path) -> None:
    report = finish(start(toy, "toy-s1"))
    assert (report["outcome"], report["reason"]) == ("done", "")
    assert finish(start(toy, "toy-s1"))["outcome"] == "done"
    counts = Counter((toy / "runs.log").read_text().splitlines())
    assert (counts["shared"], counts["begin response-1"], counts["end response-1"]) == (1, 1, 1)
    [line] = [line for line in list_remote(toy).splitlines() if line.endswith("toy-s1")]
    assert "pushing" not in run(toy, "git", "ls-remote", "origin.git")
    shown = run(toy / "origin.git", "git", "show", "--no-patch", "--format=%s", line.split()[0])
    assert shown == "m2m: run on L4\n"
    lock = run(toy / "origin.git", "git", "show", f"{line.split()[0]}:dvc.lock")
    hashes = [word for word in lock.split() if len(word) == 32]
    model = next(md5 for md5 in hashes if (toy / f"store/files/md5/{md5[:2]}/{md5[2:]}").exists())
    assert model
    assert "s of CPU: git fetch --quiet" in report["log"] and "Running stage 'train'" in report["log"]
    assert list((toy / "scratch").glob("*/*/cells/*")) == []


@pytest.mark.long
def test_a_cell_that_fails_says_why_and_leaves_nothing_in_the_remotes(toy: Path) -> None:
    report = finish(start(toy, "toy-s2", TOY_FAILS="response-2"))
    assert report["outcome"] == "failed"
    assert "-m dvc exp run … ended with" in report["reason"]
    assert "response-2 cannot be trained" in report["log"]
    assert "toy-s2" not in list_remote(toy)


@pytest.mark.long
def test_a_cell_whose_caller_dies_ends_with_all_that_it_started(toy: Path) -> None:
    process = start(toy, "toy-s3", TOY_SECONDS="600")
    for _ in range(600):
        if "begin response-3" in (toy / "runs.log").read_text():
            break
        time.sleep(0.1)
    process.stdin.close()
    assert process.wait(60) < 0
    process.stdout.close()
    assert "toy-s3" not in list_remote(toy)
    (leftover,) = (toy / "scratch").glob("*/*/cells/*.lock")
    with make_folder(leftover.parent.parent) as folder:
        assert not leftover.exists() and not leftover.with_suffix("").exists()
        assert folder.exists()
    assert not folder.exists()


def test_a_command_is_repeated_while_a_remote_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            run(tmp_path, "git", "init", "--quiet", "--bare", "origin.git")

    monkeypatch.setattr(remote_calls, "sleep", sleep)
    log = tmp_path / "log"
    log.write_bytes(b"")
    order = {"git": str(tmp_path / "origin.git"), "name": "a"}
    assert not remote_cell.find_remote_ref(order, log)
    assert pauses == [2, 5]
    assert "does not appear to be a git repository" in log.read_text()


def test_shared_data_that_the_remote_lacks_ends_the_cell_and_is_never_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dvc.lock").write_text(
        "stages: {ingest: {outs: [{path: pool}, {path: rejects}]}, judge: {outs: [{path: v}]}}"
    )
    (tmp_path / "rejects").write_text("")
    calls: list[str] = []
    for module in (remote_calls, remote_cell):
        monkeypatch.setattr(module, "PAUSES", ())
    monkeypatch.setattr(remote_calls, "call", lambda words, *_: calls.append(words[3]))
    order = {"shared": ["ingest", "respond"]}
    with pytest.raises(remote_calls.CellError, match="the DVC remote lacks 1 files that all cells share, first pool"):
        remote_cell._pull_shared(order, tmp_path, tmp_path / "log", {})
    (tmp_path / "pool").write_text("")
    remote_cell._pull_shared(order, tmp_path, tmp_path / "log", {})
    assert calls == ["pull", "pull"]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "log").touch()
    return tmp_path / "log"


def test_a_key_that_a_remote_refuses_is_not_tried_again(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_calls, "sleep", lambda _: pytest.fail("it was tried again"))
    script = "echo 'git@host: Permission denied (publickey).' >&2; exit 255"
    with pytest.raises(remote_calls.CellError, match=r"Permission denied \(publickey\)"):
        remote_calls.insist(["sh", "-c", script], log.parent, log)


def test_a_call_of_a_remote_that_never_answers_is_given_up(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_calls, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(remote_calls, "PAUSES", ())
    with pytest.raises(remote_calls.CellError, match=r"sleep 60 … did not end in 0\.2 s"):
        remote_calls.insist(["sleep", "60"], log.parent, log)


def test_a_node_without_the_disk_of_dvcs_remote_refuses_before_the_cell_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(remote_cell, "sleep", pauses.append)
    (tmp_path / "dvc").mkdir()  # an empty mount point
    order = {"expected": state_expected(DRIVER, DRIVER, 0), "store": str(tmp_path / "dvc")}
    report = remote_cell.run_order(order, lambda: None)
    assert report["outcome"] == "refused" and sum(pauses) == 197
    assert report["reason"] == (
        f"Node {report['node']} does not see {tmp_path}/dvc/m2m-remote, a file of DVC's remote: mount that disk there."
    )


def test_data_that_was_pushed_into_the_place_of_a_disk_that_went_away_is_pushed_again(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, hidden = log.parent / "store", log.parent / "hidden"
    hidden.mkdir()
    (hidden / "m2m-remote").touch()
    hidden.rename(store)
    pushes: list[bool] = []

    def push(*_: Any) -> None:
        if not pushes:  # the disk goes away, and dvc push makes a folder
            store.rename(hidden)
            store.mkdir()
        pushes.append((store / "m2m-remote").exists())

    def come_back(_: float) -> None:
        if hidden.exists():
            store.rmdir()
            hidden.rename(store)

    monkeypatch.setattr(remote_cell, "insist", push)
    monkeypatch.setattr(remote_cell, "sleep", come_back)
    remote_cell._push_data({"store": str(store)}, log.parent, log, {})
    assert pushes == [False, True]


def test_a_remote_that_stays_away_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_calls, "PAUSES", ())
    order = {"git": "file://me:hunter2@/nowhere", "name": "a", "folder": str(tmp_path)}
    report = remote_cell.run_cell(order, lambda: None)
    assert report["outcome"] == "failed" and "git ls-remote file://***@" in report["reason"]
    assert "hunter2" not in json.dumps(report)


@pytest.mark.parametrize(("gpus", "visible"), [(0, ""), (1, "0,1")])
def test_a_cell_on_the_cpu_sees_no_gpu(
    gpus: int, visible: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(remote_cell, "_pull_shared", lambda *_: None)
    seen: list[str] = []

    def call(words: Any, folder: Path, log: Path, environment: Any = (), *_: Any) -> str:
        seen.extend([{**os.environ, **environment}["CUDA_VISIBLE_DEVICES"]] if "exp" in words else [])
        return "ref"

    monkeypatch.setattr(remote_cell, "call", call)
    monkeypatch.setattr(remote_calls, "call", call)
    order = {"name": "a", "git": "git", "overrides": [], "message": "", "threads": 1, "shared": []}
    order |= {"expected": state_expected(DRIVER, DRIVER, gpus), "snapshot": "s", "store": ""}
    remote_cell._run_and_push(order, tmp_path, tmp_path, tmp_path / "log", lambda: None)
    assert seen == [visible]


def test_a_nodes_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "scratch" / f"m2m-{os.getuid()}"
    folder.mkdir(parents=True, mode=0o755)
    assert node_folders.make_private_folder(tmp_path / "scratch") == folder
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_link_in_the_place_of_a_nodes_folder_fails_the_cell(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"m2m-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    report = remote_cell.run_cell({"git": "git", "name": "a", "folder": str(tmp_path)}, lambda: None)
    assert report["outcome"] == "failed" and "is a link or another user's: remove it" in report["reason"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_folders.os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="is a link or another user's"):
        node_folders.make_private_folder(tmp_path)


def test_nodes_that_share_a_disk_have_a_folder_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURMD_NODENAME", "n1")
    first = node_folders.make_base(str(tmp_path), "git")
    with node_folders.make_folder(first) as clone:
        monkeypatch.setenv("SLURMD_NODENAME", "n2")
        second = node_folders.make_base(str(tmp_path), "git")
        Path(f"{clone}.lock").unlink()
        Path(f"{clone}.lock").touch()  # as a lock looks that another machine holds
        with node_folders.make_folder(second):
            assert clone.exists()
    assert first != second and first.name.startswith("n1-")


def test_a_node_of_other_facts_refuses_and_reports_them(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = {**state_expected(DRIVER, DRIVER, 0), "python": "3.99"}
    report = remote_cell.run_order({"expected": expected}, lambda: None)
    assert report["outcome"] == "refused" and report["facts"]["python"] == DRIVER["python"]


def test_an_element_of_an_array_takes_its_order_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = [
        {"name": "a", "expected": {"python": "3.99", "packages": {}}},
        {"name": "b", "expected": {"python": "3.99", "packages": {}}},
    ]
    (tmp_path / "orders.json").write_text(json.dumps(orders))
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "1")
    remote_cell.main("run", str(tmp_path / "orders.json"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.report", "orders.json"]
    assert json.loads((tmp_path / "b.report").read_text())["outcome"] == "refused"


def test_the_program_is_the_same_bytes_each_time_and_tells_this_machines_facts(tmp_path: Path) -> None:
    assert build_program() == build_program()
    (tmp_path / "cell.pyz").write_bytes(build_program())
    words = [sys.executable, str(tmp_path / "cell.pyz"), "facts"]
    facts = json.loads(subprocess.run(words, capture_output=True, check=True, cwd=tmp_path).stdout)
    assert facts == read_facts()


def test_the_cpu_is_named_with_its_widest_instructions() -> None:
    text = "processor : 0\nmodel name\t: Some CPU @ 2GHz\nflags\t\t: fpu avx2 avx512f sse\n\n"
    assert name_cpu(text) == "Some CPU @ 2GHz avx512f"
    assert name_cpu(text.replace("avx512f", "amx_tile")) == "Some CPU @ 2GHz amx_tile"
    assert name_cpu("") == platform.machine()


@pytest.mark.parametrize(
    ("script", "gpus"),
    [
        (r"printf 'L4\nH100\nL4\n'", ["H100", "L4"]),
        ("echo 'No devices were found'; exit 6", []),
        ("echo 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9", []),
    ],
)
def test_gpus_are_named_once_each_and_a_failure_of_nvidia_smi_is_no_gpu(
    script: str, gpus: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert read_facts()["gpus"] == gpus
