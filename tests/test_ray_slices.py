"""Which nodes of a Ray cluster work on slices, by facts that are made here, and on a cluster of three nodes."""

import os
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest

from m2m import ray_slices
from m2m.node_facts import read_facts
from m2m.parallel import map_by_model, map_slices
from m2m.ray_slices import Workers, choose_workers

PLACE: dict[str, Any] = {"node": "here", "python": "3.11.7", "cpu": "Xeon", "gpus": []}
DRIVER: dict[str, Any] = PLACE | {"packages": {"numpy": "2.4.3"}, "commands": {"numpy": "make install"}}
NODES = {name: {"CPU": 2.0, "GPU": 1.0} for name in ("1", "2", "3")}


def list_facts(**changes: Any) -> dict[str, Any]:
    """The facts of node 1, which is like the driver, and of 2 and 3, which differ by `changes`."""
    return {"1": DRIVER} | {name: {**DRIVER, "node": f"n{name}", **changes} for name in ("2", "3")}


def test_nodes_like_this_machine_all_work() -> None:
    assert choose_workers(NODES, list_facts(), DRIVER, False) == Workers(NODES, [])


def test_a_node_with_another_package_stays_idle_and_is_told() -> None:
    workers = choose_workers(NODES, list_facts(packages={"numpy": "1.0"}), DRIVER, False)
    assert list(workers.resources) == ["1"] and workers.selector == {"ray.io/node-id": "in(1)"}
    assert "Node n2 has numpy 1.0, but this machine has 2.4.3" in workers.sentences[0]


def test_the_cpu_of_this_machine_goes_before_a_more_frequent_one() -> None:
    workers = choose_workers(NODES, list_facts(cpu="EPYC"), DRIVER, False)
    assert list(workers.resources) == ["1"]
    assert workers.sentences == ["1 nodes of Xeon work. Others may give other bytes: 2 of EPYC idle."]


def test_where_no_node_has_this_cpu_the_most_frequent_works_and_it_is_told_whose_bytes_come() -> None:
    workers = choose_workers(NODES, list_facts(cpu="EPYC"), {**DRIVER, "cpu": "M4"}, False)
    assert list(workers.resources) == ["2", "3"]
    assert workers.sentences[0] == "No node has this machine's M4: vectors and clusters have the bytes of EPYC."


def test_workers_with_gpus_have_one_kind_of_them_on_any_cpu() -> None:
    facts = list_facts(gpus=["H100"], cpu="EPYC")
    workers = choose_workers(NODES, facts, DRIVER, True)
    assert list(workers.resources) == ["2", "3"] and workers.sentences == []
    with pytest.raises(ValueError, match="no node of the Ray cluster can work: None has a GPU: unset M2M_TASK_GPUS"):
        choose_workers(NODES, list_facts(), DRIVER, True)


def test_a_node_that_does_not_answer_is_left_out_and_where_none_does_it_is_an_error() -> None:
    workers = choose_workers(NODES, {"1": DRIVER}, DRIVER, False)
    assert list(workers.resources) == ["1"] and "2 of 3 nodes did not answer within 120 s" in workers.sentences[0]
    with pytest.raises(ValueError, match=r"can work: 3 of 3 nodes did not answer"):
        choose_workers(NODES, {}, DRIVER, False)


@pytest.mark.parametrize(
    ("gpus", "places"), [(1, 5), (2, 2), (3, 1), (0.5, 10), (0.1, 50), (0.3, 15), (0.4, 10), (9, 0)]
)
def test_workers_never_span_nodes_and_shares_never_span_gpus(gpus: float, places: int) -> None:
    workers = Workers({"a": {"GPU": 2}, "b": {"GPU": 3}, "c": {"CPU": 8}}, [])
    assert workers.count_places(gpus) == places and workers.count_cores() == 8


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three nodes on this machine, the second with a GPU in name; the third has another NumPy."""
    try:
        import ray
        from ray.cluster_utils import Cluster
    except ImportError:
        pytest.skip("RAY IS NOT INSTALLED: no slice ran on several nodes (make ray)")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 10**8})
    nodes.add_node(num_cpus=1, num_gpus=1, object_store_memory=10**8)
    third = nodes.add_node(num_cpus=1, num_gpus=1, object_store_memory=10**8)
    monkeypatch.setenv("RAY_ADDRESS", nodes.address)
    monkeypatch.setenv("M2M_ENGINE", "ray")
    probe = ray_slices._probe

    def change(*arguments: Any) -> Any:
        facts = probe(*arguments)
        changed = facts[third.node_id]
        return {
            **{node: {**one, "gpus": ["GPU in name"]} for node, one in facts.items()},
            third.node_id: {**changed, "packages": {**changed["packages"], "numpy": "1.0"}},
        }

    monkeypatch.setattr(ray_slices, "_probe", change)
    ray_slices.join_ray.cache_clear()
    yield third.node_id
    ray.shutdown()
    nodes.shutdown()
    ray_slices.join_ray.cache_clear()


@lru_cache
def load(text: str) -> str:
    """Stands for a model: whoever loads it keeps it."""
    return f"{text} in {os.getpid()}"


def find_place(item: int) -> tuple[int, str, str]:
    import time

    import ray

    time.sleep(0.05)
    return item, load("model"), ray.get_runtime_context().get_node_id()


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # of Ray
def test_on_three_nodes_the_one_that_differs_does_nothing_and_a_gpu_loads_its_model_once(
    cluster: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    results = list(map_slices(find_place, range(30)))
    assert [item for item, _, _ in results] == list(range(30))
    assert len({node for _, _, node in results}) == 2 and cluster not in {node for _, _, node in results}
    assert "has numpy 1.0, but this machine has" in capfd.readouterr().err
    monkeypatch.setenv("M2M_TASK_GPUS", "0.5")
    results = list(map_by_model(find_place, range(20)))
    assert [item for item, _, _ in results] == list(range(20))
    loads = Counter(model for _, model, _ in results)
    assert sorted(loads.values()) == [10, 10]
    assert cluster not in {node for _, _, node in results}
    assert read_facts()["packages"]["ray"]
