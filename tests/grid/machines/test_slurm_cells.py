"""A grid on Slurm itself: two nodes on this machine, a cancelled cell, a node that goes down, a driver that is gone."""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from m2m.grid.machines import patience, slurm_calls, slurm_cells
from m2m.grid.machines.grid_remotes import push_snapshot, require_remotes
from m2m.grid.machines.hardware import Needs
from m2m.grid.machines.node_program import build_program
from m2m.grid.machines.remote_runner import CellState, RemoteRunner, build_orders
from m2m.grid.machines.slurm_cells import SlurmCells, open_slurm
from m2m.grid.queued_commit import write_snapshot
from m2m.grid.workers import LOGS
from m2m.node_facts import read_driver_facts
from tests import slurm_cluster
from tests.slurm_cluster import SlurmCluster, run_slurm
from tests.toy_grid import list_toy_cells, make_toy_repository

ROOT = Path(__file__).parents[3]
is_missing = pytest.mark.skipif(bool(slurm_cluster.MISSING), reason=slurm_cluster.WARNING)


def needs_slurm(test: Any) -> Any:
    return pytest.mark.long(is_missing(test))


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmCluster]:
    monkeypatch.setattr(slurm_cells, "LOOK_SECONDS", 0.5)
    with run_slurm(tmp_path / "slurm") as cluster:
        monkeypatch.setenv("SLURM_CONF", cluster.environment["SLURM_CONF"])
        yield cluster


def open_toy_grid(folder: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> Any:
    """The orders of a toy grid, in whose clone this process then works."""
    monkeypatch.chdir(make_toy_repository(folder))
    monkeypatch.setenv("TOY_RUNS", str(folder / "runs.log"))
    monkeypatch.setenv("TOY_SECONDS", "2")
    LOGS.mkdir(parents=True)
    snapshot = push_snapshot(require_remotes(), write_snapshot())
    return build_orders(list_toy_cells(count), snapshot, ["prepare"], 1, "", str(folder / "scratch"))


def finish(runner: RemoteRunner) -> None:
    for _ in range(1200):
        if not runner.look():
            return
        time.sleep(0.5)
    raise AssertionError(f"the grid did not end: {runner.states}")


def wait_for(runner: RemoteRunner, node: str) -> str:
    """The name of a cell that runs on the node."""
    for _ in range(240):
        runner.look()
        if names := [name for name, state in runner.states.items() if (state.state, state.node) == ("running", node)]:
            return names[0]
        time.sleep(0.25)
    raise AssertionError(f"nothing ran on {node}: {runner.states}")


@needs_slurm
def test_six_cells_end_once_each_though_one_is_cancelled_a_node_dies_and_the_driver_is_replaced(
    slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    orders = open_toy_grid(tmp_path, monkeypatch, 6)
    driver = read_driver_facts(ROOT / "constraints.txt")
    program, needs = build_program(), Needs(1, 0)
    engine, sample, _ = open_slurm(program, needs, driver, [], 0)
    runner = RemoteRunner(orders, engine, 5.0)
    cancelled = wait_for(runner, "n1")
    [job] = slurm.ask("squeue", "--noheader", "--nodelist=n1", "--format=%i").split()
    slurm.ask("scancel", job)
    for _ in range(120):
        runner.look()
        if runner.losses[cancelled]:
            break
        time.sleep(0.25)
    assert f"{cancelled} was lost on n1 (CANCELLED); it runs again" in capsys.readouterr().out
    downed = wait_for(runner, "n2")
    slurm.ask("scontrol", "update", "NodeName=n2", "State=DOWN", "Reason=test")
    slurm.kill("n2")
    slurm.kill_steps("n2")
    del runner, engine  # the driver is gone; the arrays stay in the queue
    cells = SlurmCells(program, needs, sample, driver, [], 0)
    assert downed in cells.elements
    runner = RemoteRunner(orders, cells.open_engine(), 5.0)
    finish(runner)
    assert runner.finished == set(orders) and not runner.failed
    lines = (tmp_path / "runs.log").read_text().splitlines()
    begins, ends = (Counter(line.split()[1] for line in lines if line.startswith(word)) for word in ("begin", "end"))
    assert ends == {f"response-{seed}": 1 for seed in range(6)}
    assert sum(begins.values()) <= 8  # at most the two that were ended in between began again
    assert lines.count("shared") == 1
    left = [*(tmp_path / "scratch").glob("*/*/cells/*")]  # the clone, its lock and DVC's folder of what n2 ran last
    assert {path.parts[-3].split("-")[0] for path in left} <= {"n2"} and len(left) <= 3


@needs_slurm
def test_a_node_of_another_environment_is_refused_in_a_sentence(
    slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    orders = open_toy_grid(tmp_path, monkeypatch, 1)
    driver = read_driver_facts(ROOT / "constraints.txt")
    _, sample, _ = open_slurm(build_program(), Needs(1, 0), driver, [], 0)
    cells = SlurmCells(build_program(), Needs(1, 0), sample, {**driver, "python": "3.99.0"}, [], 0)
    runner = RemoteRunner(orders, cells.open_engine(), 5.0)
    for _ in range(100):
        runner.look()
        if cells.excluded:
            break
        time.sleep(0.25)
    cells.stop()
    [node] = cells.excluded
    python = ".".join(map(str, sys.version_info[:3]))
    assert (
        f"Node {node} has Python {python}, but this machine has 3.99.0: install that there." in capsys.readouterr().out
    )
    assert not runner.finished and not runner.failed


def write_tool(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str) -> None:
    """A command of Slurm that is this script, first in PATH."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("TIMEOUT", CellState("failed", "n1", "Slurm ended it with TIMEOUT: raise time in --sbatch")),
        ("CANCELLED", CellState("lost", "n1", "CANCELLED")),
        ("NODE_FAIL", CellState("lost", "n1", "NODE_FAIL")),
        ("RUNNING", CellState("running", "n1")),
        ("PENDING", CellState("queued", "n1")),
        ("FAILED", CellState("failed", "n1", "it ended without a report, with exit code 127:0", "no python\n")),
        ("", CellState("lost", "", "gone from Slurm's queue")),
    ],
)
def test_why_a_cell_left_the_queue_is_read_from_slurm(
    state: str, expected: CellState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = f"JobId=4 ArrayTaskId=1\n   JobState={state} Reason=None\n   ExitCode=127:0 NodeList=n1"
    unknown = "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1"
    script = f"[ \"$3\" = 4_1 ] && cat <<'END'\n{answer}\nEND\n" if state else unknown
    write_tool(tmp_path, monkeypatch, "scontrol", script)
    (tmp_path / "job").write_text("4")
    (tmp_path / "1.out").write_text("no python\n")
    assert slurm_cells.explain_end(slurm_cells.Element(tmp_path, 1)) == expected


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a squeue that lists two elements of an array, and one of a job with another kind of name."""
    monkeypatch.chdir(tmp_path)
    (slurm_cells.ARRAYS / "m2m-1").mkdir(parents=True)
    answer = r"printf '0|RUNNING|n1|m2m-1\n1|PENDING||m2m-1\nN/A|RUNNING|n2|a|b\n'"
    write_tool(tmp_path, monkeypatch, "squeue", answer)
    return slurm_cells.ARRAYS / "m2m-1"


def test_a_job_of_any_name_may_stand_beside_the_grids_arrays(queue: Path) -> None:
    first, second = (slurm_cells.Element(queue, place) for place in (0, 1))
    assert slurm_cells.list_elements() == {first: CellState("running", "n1"), second: CellState("queued")}


def test_nodes_that_refused_join_those_that_a_person_excludes(queue: Path) -> None:
    cells = SlurmCells(b"", Needs(1, 0), {}, {}, ["--exclude=n3", "--time=5"], 0)
    assert cells._list_options() == ["--ntasks=1", "--cpus-per-task=1", "--exclude=n3", "--time=5"]
    cells.excluded += ["n7", "n3"]
    assert cells._list_options() == ["--ntasks=1", "--cpus-per-task=1", "--exclude=n3,n7", "--time=5"]


ORDERS = '[{"name": "a", "message": "m2m: run on EPYC"}, {"name": "b", "message": "m2m: run on EPYC"}]'


def test_an_array_whose_orders_are_torn_is_named_and_the_others_are_found(
    queue: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (queue / "orders.json").write_text(ORDERS)
    torn = queue.with_name("m2m-0")
    torn.mkdir()
    (torn / "orders.json").write_text("")
    cells = SlurmCells(b"", Needs(1, 0), {}, {}, [], 0)
    assert cells.queued_kinds == {"EPYC": 2}
    assert cells.elements == {"a": slurm_cells.Element(queue, 0), "b": slurm_cells.Element(queue, 1)}
    [line] = capsys.readouterr().out.splitlines()
    assert line == f"grid: {torn}/orders.json is torn, so its cells are not looked for: remove {torn}"


def test_a_later_array_that_never_reached_the_queue_hides_no_cell_of_an_earlier_one(queue: Path) -> None:
    (queue / "orders.json").write_text(ORDERS)
    later = queue.with_name("m2m-2")
    later.mkdir()
    (later / "orders.json").write_text(ORDERS)
    elements = SlurmCells(b"", Needs(1, 0), {}, {}, [], 0).elements
    assert elements == {"a": slurm_cells.Element(queue, 0), "b": slurm_cells.Element(queue, 1)}


@pytest.mark.parametrize(("limit", "after"), [(0, [None, None, None]), (4, [None, "11", "12"])])
def test_more_cells_than_an_array_may_have_are_several_arrays(
    limit: int, after: list[str | None], queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tool(tmp_path, monkeypatch, "scontrol", "echo 'MaxArraySize            = 3'")
    write_tool(tmp_path, monkeypatch, "sbatch", f'echo "$@" >> {tmp_path}/calls; echo $((10 + $(wc -l < calls)))')
    write_tool(tmp_path, monkeypatch, "squeue", "")
    driver = {"python": "3", "packages": {}}
    cells = SlurmCells(b"", Needs(1, 0), {"cpu": "Xeon"}, driver, [], limit)
    cells.submit([{"name": f"c{number}"} for number in range(7)])
    calls = (tmp_path / "calls").read_text().splitlines()
    arrays = [next(word for word in call.split() if word.startswith("--array=")) for call in calls]
    assert arrays == [f"--array=0-{last}{f'%{limit}' * bool(limit)}" for last in (2, 2, 0)]
    waits = [[word.split(":")[1] for word in call.split() if word.startswith("--dependency=")] for call in calls]
    assert [words[0] if words else None for words in waits] == after  # else each array would have the limit
    folders = sorted(folder for folder in slurm_cells.ARRAYS.iterdir() if (folder / "job").exists())
    names = [[order["name"] for order in json.loads((folder / "orders.json").read_text())] for folder in folders]
    assert names == [["c0", "c1", "c2"], ["c3", "c4", "c5"], ["c6"]]
    assert [(folder / "job").read_text() for folder in folders] == ["11", "12", "13"]
    assert len(cells.elements) == 7


AWAY = "[ $(wc -l < {0}/tries) -gt {1} ] || {{ echo >> {0}/tries; echo '{2}' >&2; exit 1; }}"
LOST = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"


def test_a_controller_that_comes_back_is_waited_for_and_one_that_stays_away_is_no_fault_of_the_options(
    queue: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tries").touch()
    pauses: list[float] = []
    monkeypatch.setattr(patience, "sleep", pauses.append)
    write_tool(tmp_path, monkeypatch, "squeue", f"{AWAY.format(tmp_path, 2, LOST)}; echo '0|RUNNING|n1|m2m-1'")
    assert slurm_cells.list_elements() == {slurm_cells.Element(queue, 0): CellState("running", "n1")}
    assert len(pauses) == 3
    assert capsys.readouterr().out.count("does not answer squeue") == 1
    (tmp_path / "tries").write_text("")
    monkeypatch.setattr(patience, "REMOTE_PATIENCE", 0)
    with pytest.raises(patience.RemoteAway, match=r"for 0 s\. Queued cells stay: run the same command again") as e:
        slurm_cells.list_elements()
    assert "sbatch" not in str(e.value)


def test_an_array_whose_number_was_lost_on_the_way_is_not_queued_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "sleep", lambda _: None)
    late = "Batch job submission failed: Socket timed out on send/recv operation"
    write_tool(tmp_path, monkeypatch, "sbatch", f"echo 7 >> {tmp_path}/queue; echo '{late}' >&2; exit 1")
    write_tool(tmp_path, monkeypatch, "squeue", f"cat {tmp_path}/queue 2>/dev/null; true")
    assert slurm_calls.submit_array("m2m-1") == "7"
    assert (tmp_path / "queue").read_text() == "7\n"


def test_a_persons_filters_of_the_queue_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SQUEUE_STATES", "SLURM_JOB_ID", "SCANCEL_STATE", "SLURM_CONF", "SBATCH_PARTITION"):
        monkeypatch.setenv(name, "x")
    write_tool(tmp_path, monkeypatch, "squeue", "env")
    names = {line.split("=")[0] for line in slurm_calls.ask_slurm("squeue").splitlines()}
    assert {name for name in names if name.startswith(("SQUEUE", "SLURM", "SCANCEL", "SBATCH"))} == {
        "SLURM_CONF",
        "SBATCH_PARTITION",
    }


@needs_slurm
def test_options_that_slurm_refuses_end_in_one_sentence(slurm: SlurmCluster, tmp_path: Path) -> None:
    driver = read_driver_facts(ROOT / "constraints.txt")
    with pytest.raises(ValueError, match=r"srun refused: .*partition.*Change the options in --sbatch"):
        open_slurm(build_program(), Needs(1, 0), driver, ["--partition=none"], 0)
