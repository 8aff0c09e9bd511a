"""Opening a cluster and running cells on it, with engines that are made here."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from m2m.commands import grid
from m2m.grid import study_folder
from m2m.grid.machines import cluster
from m2m.grid.machines.cluster import (
    Cluster,
    ClusterOptions,
    count_needs,
    fetch_absent_tables,
    open_cluster,
    run_cluster_cells,
)
from m2m.grid.machines.grid_remotes import Snapshot
from m2m.grid.machines.hardware import Needs
from m2m.grid.machines.remote_runner import CellEngine
from m2m.grid.provenance import hash_locked_cell
from tests.grid.test_study_folder import experiment
from tests.planted import planted_grid

ROOT = Path(__file__).parents[3]
ENGINE = CellEngine(lambda _: None, dict, lambda: None, lambda: 4)
CPU, CPU_2, FSDP, MACHINES = (ROOT / f"profiles/launch/{name}.yaml" for name in ("cpu", "cpu-2", "fsdp", "machines"))
DRIVER = {"node": "here", "python": "3.11.7", "packages": {}, "cpu": "Xeon", "gpus": []}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "constraints.txt", tmp_path)
    monkeypatch.setattr(cluster, "require_remotes", lambda: "origin")
    monkeypatch.setattr(cluster, "read_driver_facts", lambda *_: DRIVER)
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


@pytest.mark.parametrize("kind", ["Xeon", "EPYC"])
def test_the_provenance_names_the_hardware_also_where_it_is_that_of_this_machine(
    kind: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cluster, "open_ray", lambda *_: (ENGINE, kind))
    opened = open_cluster(ClusterOptions("auto", cpus=4, scratch="/scratch"), CPU_2, {})
    assert opened == Cluster(ENGINE, "origin", kind, 2, "/scratch")
    assert capsys.readouterr().out == f"grid: cells run on {kind}, which their provenance names\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ClusterOptions("auto", sbatch=["time=1:00"]),
            "sbatch is for --on slurm, got time=1:00 with --on auto: leave it",
        ),
    ],
)
def test_an_option_of_the_other_kind_of_cluster_is_refused(options: ClusterOptions, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_cluster(options, CPU, {})


def test_slurm_with_another_environment_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        cluster, "open_slurm", lambda *_: (ENGINE, {**DRIVER, "node": "n1", "python": "3.12.1"}, Counter())
    )
    with pytest.raises(ValueError, match=r"Node n1 has Python 3\.12\.1, but this machine has 3\.11\.7"):
        open_cluster(ClusterOptions("slurm"), CPU, {})


@pytest.mark.parametrize(
    ("launch", "gpus", "kind"), [(FSDP, [], "unknown hardware"), (FSDP, ["H100"], "H100"), (CPU, [], "Xeon")]
)
def test_a_slurm_node_without_the_gpus_of_the_launch_file_is_told_and_labelled_unknown(
    launch: Path,
    gpus: list[str],
    kind: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(cluster, "open_slurm", lambda *_: (ENGINE, {**DRIVER, "node": "n1", "gpus": gpus}, Counter()))
    assert open_cluster(ClusterOptions("slurm"), launch, {}).hardware == kind
    *missing, last = capsys.readouterr().out.splitlines()
    assert last == f"grid: cells run on {kind}, which their provenance names"
    sentence = (
        "grid: The launch file asks for 8 GPUs, but nvidia-smi shows none on node n1, so the cells are labelled unknown"
    )
    assert len(missing) == (kind == "unknown hardware") and all(line.startswith(sentence) for line in missing)


@pytest.mark.parametrize(
    ("hardware", "begun", "queued", "message"),
    [
        ("", {}, {}, ""),
        ("", {"Xeon": 2, "EPYC": 1}, {}, ""),
        ("", {"Xeon": 2}, {"EPYC": 3}, r"3 cells of this grid ran on EPYC or wait for it, but the nodes now have Xeon"),
        ("", {"EPYC": 1}, {}, r"would count\. Add constraint=FEATURE, .* or start the grid anew with --hardware"),
        ("xeon", {"EPYC": 9}, {}, ""),
        ("EPYC", {}, {}, r"Slurm chose node n1 with Xeon, but hardware is EPYC\. Add constraint=FEATURE, partition or"),
    ],
)
def test_slurm_goes_on_with_the_kind_of_the_cells_so_far_unless_a_person_names_another(
    hardware: str,
    begun: dict[str, int],
    queued: dict[str, int],
    message: str,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cluster, "open_slurm", lambda *_: (ENGINE, {**DRIVER, "node": "n1"}, Counter(queued)))
    options = ClusterOptions("slurm", hardware=hardware)
    if not message:
        assert open_cluster(options, CPU, begun).hardware == "Xeon"
        return
    with pytest.raises(ValueError, match=message):
        open_cluster(options, CPU, begun)


def test_cells_are_ordered_with_their_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    orders: dict[str, Any] = {}

    def run(given: Any, engine: Any, seconds: float, label: str) -> list[str]:
        orders.update(given)
        return ["b"]

    monkeypatch.setattr(cluster, "run_remote_cells", run)
    opened = Cluster(ENGINE, "origin", "EPYC", 1, "")
    inputs = (Snapshot("origin", "head", "revision", "ref"), ["ingest"])
    assert run_cluster_cells(opened, inputs, {"a": ["subset.seed=2"], "b": []}, 10.0, "rung 1") == ["b"]
    assert (orders["a"]["message"], orders["a"]["overrides"], orders["a"]["shared"]) == (
        "m2m: run on EPYC",
        ["subset.seed=2"],
        ["ingest"],
    )


def test_what_a_study_reads_is_fetched_also_of_cells_that_an_earlier_driver_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Any] = []
    rows = planted_grid({"response-micro": 0.0}, degrees=(0, 3), seeds=1, random=1).rows(named=True)
    cells = [experiment(row, answers)._replace(revision=answers) for row, answers in zip(rows, "abc", strict=True)]
    names = [hash_locked_cell(cell.lock) for cell in cells]
    for name in ("prompts", "verdicts", "theirs", "a"):  # b and c are not in the cache
        (tmp_path / name).touch()
    monkeypatch.setattr(study_folder, "locate_cached_file", lambda md5: tmp_path / md5)
    monkeypatch.setattr(cluster, "read_experiments", lambda: cells)
    monkeypatch.setattr(cluster, "fetch_study_files", fetched.append)
    fetch_absent_tables(names[:2])
    fetch_absent_tables(names[:1])
    assert fetched == [["b"]]


def test_options_of_a_cluster_without_a_cluster_are_refused() -> None:
    with pytest.raises(ValueError, match="cpus, hardware, scratch and sbatch are for a cluster: name it with --on"):
        grid.main(cpus=4)
