"""A grid on a Ray cluster itself, of two nodes on this machine; and what is said where there is none."""

import importlib.util
import json
import random
import signal
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from bench import ray_kills
from m2m.grid import workers
from m2m.grid.machines import ray_cells
from m2m.grid.machines.hardware import Needs
from m2m.grid.machines.ray_cells import HOME_PATIENCE, RayCells, RunningCell, connect, count_places, read_homes
from m2m.grid.machines.remote_runner import CellState
from m2m.grid.workers import MEMORY, DriverEnded, stop_on_signals
from tests.test_smoke import run
from tests.toy_grid import make_toy_repository

WARNING = "NO RAY HERE: it was not tested (make ray)"
DRIVER: dict[str, Any] = {"node": "here", "python": "3.11.7", "packages": {}, "cpu": "Xeon", "gpus": []}
NO_RAY = importlib.util.find_spec("ray") is None


@pytest.mark.parametrize(
    ("equal", "ends", "kills", "code"),
    [(True, 1, 10, 0), (True, 1, 11, 0), (False, 1, 10, 1), (True, 2, 10, 1), (True, 1, 9, 1)],
)
def test_the_bench_fails_where_outs_differ_a_cell_ran_twice_or_a_kill_is_missing(
    equal: bool, ends: int, kills: int, code: int
) -> None:
    assert ray_kills.judge(equal, Counter({"a": ends, "b": 1}), kills, 10) == code


def test_the_bench_notes_the_runs_of_real_cells(tmp_path: Path) -> None:
    pipeline = tmp_path / "dvc.yaml"
    pipeline.write_text((Path(__file__).parents[3] / "dvc.yaml").read_text())
    ray_kills.note_runs(pipeline)
    stages = yaml.safe_load(pipeline.read_text())["stages"]
    name = "${subset.strategy}-${subset.degree}-${subset.seed}"
    assert stages["judge"]["cmd"].startswith(f"echo begin {name} >> $TOY_RUNS && ")
    assert stages["measure"]["cmd"].endswith(f" && echo end {name} >> $TOY_RUNS")


@pytest.mark.parametrize(
    ("resources", "needs", "places"),
    [
        ({"CPU": 4.0, "memory": 64e9}, Needs(1, 0), 4),
        ({"CPU": 4.0, "memory": 64e9}, Needs(3, 0), 1),
        ({"CPU": 16.0, "GPU": 2.0, "memory": 64e9}, Needs(1, 1), 2),
        ({"CPU": 16.0, "memory": 64e9}, Needs(1, 1), 0),
        ({"CPU": 16.0, "memory": 2.5 * MEMORY}, Needs(1, 0), 2),
        ({"CPU": 16.0, "memory": 0.5 * MEMORY}, Needs(1, 0), 0),
        ({}, Needs(1, 0), 0),
    ],
)
def test_as_many_cells_fit_on_a_node_as_cores_gpus_and_memory_allow(
    resources: dict[str, float], needs: Needs, places: int
) -> None:
    assert count_places({"Resources": resources}, needs) == places


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        ("OutOfMemoryError", "failed", "ran out of memory: a cell takes more than the 3 GiB"),
        ("WorkerCrashedError", "lost", "WorkerCrashedError"),
    ],
)
def test_a_cell_without_memory_has_failed_and_one_whose_worker_died_is_lost(
    error: str, state: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With errors of the names that Ray gives them; Ray itself need not be here."""
    names: dict[str, Any] = {"RayError": Exception}
    names |= {name: type(name, (Exception,), {}) for name in ("RayTaskError", "OutOfMemoryError", "WorkerCrashedError")}

    def get(_: object) -> None:
        raise names[error]

    ray = ModuleType("ray")
    ray.__dict__.update(exceptions=SimpleNamespace(**names), get=get)
    monkeypatch.setitem(sys.modules, "ray", ray)
    cells = RayCells(b"", Needs(1, 0), {}, [], {}, 0)
    end = cells._read_end(RunningCell(None, "id", "n1"))
    assert (end.state, end.node) == (state, "n1") and words in end.reason


def test_a_lost_cell_waits_a_while_for_the_machine_that_has_its_finished_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines are their addresses: one that comes back has another id. Ray itself need not be here."""
    places = {"Resources": {"CPU": 1.0, "memory": 2.0 * MEMORY}}
    nodes = {f"id-{at}": places | {"NodeManagerAddress": at, "NodeManagerHostname": at} for at in ("a", "b")}
    clock, ended = [0.0], dict[str, CellState]()
    monkeypatch.setattr(workers, "LOGS", tmp_path)
    monkeypatch.setattr(ray_cells, "_list_nodes", lambda: dict(nodes))
    monkeypatch.setattr(ray_cells, "_start", lambda program, task, order, *_: json.loads(order)["name"])
    monkeypatch.setattr(ray_cells, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    waiting = SimpleNamespace(wait=lambda tasks, **_: ([task for task in tasks if task in ended], []))
    monkeypatch.setitem(sys.modules, "ray", cast(ModuleType, waiting))
    cells = RayCells(b"", Needs(1, 0), DRIVER, [], DRIVER, 0)
    monkeypatch.setattr(cells, "_read_end", lambda cell: ended.pop(cell.task))

    def look(**states: str) -> dict[str, str]:
        """What is seen once the cells of `states` have ended so and are submitted again."""
        ended.update({name: CellState(state) for name, state in states.items()})  # type: ignore[arg-type]
        cells.look()
        cells.submit([{"name": name} for name in states])
        return {name: state.node for name, state in cells.look().items()}

    cells.submit([{"name": name} for name in ("one", "two", "three")])
    assert look() == {"one": "a", "two": "b", "three": ""}
    nodes["id-a2"] = nodes.pop("id-a")
    assert look(one="lost") == {"three": "a", "two": "b", "one": ""}  # it was away when `three` took its place
    nodes.pop("id-b")
    assert look(two="lost", three="done") == {"one": "a", "two": "", "three": ""}
    assert look(one="failed") == {"three": "a", "two": "", "one": ""}  # no claim on the machine where it failed
    clock[0] = HOME_PATIENCE
    assert look(three="done")["two"] == "a"  # b did not come back
    assert RayCells(b"", Needs(1, 0), DRIVER, [], DRIVER, 0).homes == {"two": "a"}  # the next driver knows it
    for damaged in ("{", "[1]", "null"):
        (tmp_path / "homes.json").write_text(damaged)
        assert read_homes() == {}


def test_the_drivers_way_to_end_by_a_signal_outlives_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    previous = signal.getsignal(signal.SIGTERM)
    ray = ModuleType("ray")
    ray.__dict__["init"] = lambda *_, **__: signal.signal(signal.SIGTERM, signal.SIG_DFL)
    monkeypatch.setitem(sys.modules, "ray", ray)
    with stop_on_signals(DriverEnded):
        ours = signal.getsignal(signal.SIGTERM)
        connect("auto")
        assert signal.getsignal(signal.SIGTERM) == ours != previous
    assert signal.getsignal(signal.SIGTERM) == previous


def test_without_the_package_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"needs the package ray: run make ray here and on every node"):
        connect("auto")


@pytest.mark.long
@pytest.mark.skipif(NO_RAY, reason=WARNING)
def test_where_no_cluster_answers_one_sentence_says_how_to_start_it() -> None:
    with pytest.raises(ValueError, match=r"No Ray cluster can be used at auto .*run ray start --head on one machine"):
        connect("auto")


@pytest.mark.long
@pytest.mark.skipif(NO_RAY, reason=WARNING)
def test_a_killed_worker_and_a_killed_driver_cost_no_cell_and_run_none_twice(tmp_path: Path) -> None:
    clone, draw = make_toy_repository(tmp_path), random.Random(1)
    variables = {"TOY_RUNS": str(tmp_path / "runs.log"), "TOY_SECONDS": "2"}
    with ray_kills.run_ray(tmp_path, variables, count=2) as cluster:
        words = ["-m", "tests.toy_grid", "3", "--on", cluster.address]
        happened = ray_kills.run_disturbed(cluster, clone, words, ["worker", "driver"], draw, 6.0)
        address = cluster.client_address if ray_kills.HAS_CLIENT else cluster.address
        ray_kills.run_disturbed(cluster, clone, [*words[:2], "4", "--on", address], [], draw, 6.0)
    assert len(happened) == 2
    ends, begins = ray_kills.count_ends(clone)
    assert ends == Counter(
        {f"response-{seed}": 1 for seed in range(4)}
    )  # the last one through ray://, where grpcio is here
    assert begins >= 4
    names = [
        ref.split("/")[-1] for ref in run(clone, "git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    ]
    assert sorted(names) == ["toy-s0", "toy-s1", "toy-s2", "toy-s3"]
    assert (tmp_path / "runs.log").read_text().splitlines().count("shared") == 1
