"""Opening a cluster and running cells on it, with engines that are made here."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from m2m.commands import grid
from m2m.grid.machines import cluster
from m2m.grid.machines.cluster import Cluster, ClusterOptions, count_needs, open_cluster, run_cluster_cells
from m2m.grid.machines.grid_remotes import Snapshot
from m2m.grid.machines.hardware import Needs
from m2m.grid.machines.remote_runner import CellEngine

ROOT = Path(__file__).parents[3]
ENGINE = CellEngine(lambda _: None, dict, lambda: None, lambda: 4)
CPU, CPU_2, FSDP, MACHINES = (ROOT / f"profiles/launch/{name}.yaml" for name in ("cpu", "cpu-2", "fsdp", "machines"))
DRIVER = {"node": "here", "python": "3.11.7", "packages": {}, "cpu": "Xeon", "gpus": []}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    monkeypatch.setattr(cluster, "require_remotes", lambda: "origin")
    monkeypatch.setattr(cluster, "read_driver_facts", lambda _: DRIVER)
    return tmp_path


def test_a_cell_takes_a_core_a_process_and_gpus_only_where_it_trains_on_them() -> None:
    assert count_needs(CPU, 0) == Needs(1, 0)
    assert count_needs(CPU_2, 0) == Needs(2, 0)
    assert count_needs(CPU_2, 6) == Needs(6, 0)
    assert count_needs(FSDP, 0) == Needs(8, 8)


def test_fewer_cores_than_processes_and_launch_files_of_several_machines_are_refused() -> None:
    with pytest.raises(ValueError, match=r"cpus must be at least the 2 processes that .* starts, got 1"):
        count_needs(CPU_2, 1)
    with pytest.raises(ValueError, match="is for 2 machines"):
        count_needs(MACHINES, 0)


def test_nodes_like_this_machine_add_nothing_to_the_provenance(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "open_ray", lambda *_: (ENGINE, "Xeon"))
    opened = open_cluster(ClusterOptions("auto", cpus=4, scratch="/scratch"), CPU_2)
    assert opened == Cluster(ENGINE, "origin", "", 2, "/scratch")
    assert capsys.readouterr().out == "grid: cells run on Xeon, as here\n"


def test_other_hardware_is_told_before_the_start_and_goes_into_the_provenance(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "open_ray", lambda *_: (ENGINE, "EPYC"))
    assert open_cluster(ClusterOptions("auto"), CPU).hardware == "EPYC"
    expected = "grid: cells run on EPYC, not Xeon as here: they have a provenance of their own\n"
    assert capsys.readouterr().out == expected


def test_slurm_with_another_environment_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "open_slurm", lambda *_: (ENGINE, {**DRIVER, "node": "n1", "python": "3.12.1"}))
    with pytest.raises(ValueError, match=r"Node n1 has Python 3\.12\.1, but this machine has 3\.11\.7"):
        open_cluster(ClusterOptions("slurm"), CPU)


@pytest.mark.parametrize(("hardware", "message"), [("", ""), ("EPYC", "m2m: run on EPYC")])
def test_cells_are_ordered_with_their_hardware_and_what_a_study_reads_is_fetched(
    monkeypatch: pytest.MonkeyPatch, hardware: str, message: str
) -> None:
    fetched: list[Any] = []
    orders: dict[str, Any] = {}

    def run(given: Any, engine: Any, seconds: float, label: str) -> list[str]:
        orders.update(given)
        return ["b"]

    monkeypatch.setattr(cluster, "run_remote_cells", run)
    monkeypatch.setattr(cluster, "list_experiment_names", lambda: {"a": "1" * 40, "other": "2" * 40})
    monkeypatch.setattr(cluster, "fetch_study_files", fetched.append)
    opened = Cluster(ENGINE, "origin", hardware, 1, "")
    inputs = (Snapshot("origin", "head", "revision", "ref"), ["ingest"])
    assert run_cluster_cells(opened, inputs, {"a": ["subset.seed=2"], "b": []}, 10.0, "rung 1") == ["b"]
    assert fetched == [["1" * 40]]
    assert (orders["a"]["message"], orders["a"]["overrides"], orders["a"]["shared"]) == (
        message,
        ["subset.seed=2"],
        ["ingest"],
    )


def test_options_of_a_cluster_without_a_cluster_are_refused() -> None:
    with pytest.raises(ValueError, match="cpus, hardware, scratch and sbatch are for a cluster: name it with --on"):
        grid.main(cpus=4)
