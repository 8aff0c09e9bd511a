"""Which nodes may run cells, by facts that are made here."""

from pathlib import Path
from typing import Any

import pytest

from m2m.grid.machines.hardware import choose_nodes, explain_refusal, state_expected
from m2m.node_facts import choose_facts, describe_kind, explain_difference, read_driver_facts, read_facts

DRIVER: dict[str, Any] = {
    "node": "driver",
    "python": "3.11.7",
    "packages": {"numpy": "2.4.3", "torch": "2.13.0"},
    "cpu": "Xeon avx512f",
    "gpus": ["H100"],
    "commands": {"numpy": "make install", "torch": "make install"},
}


def facts(node: str, **changes: Any) -> dict[str, Any]:
    return {**DRIVER, "node": node, **changes}


def test_a_node_like_the_driver_is_as_expected() -> None:
    more = facts("n1", packages={**DRIVER["packages"], "extra": "1"})
    assert explain_difference(more, DRIVER) == ""
    assert choose_facts(more, state_expected(DRIVER, DRIVER, 0)) == state_expected(DRIVER, DRIVER, 0)


def test_another_python_is_named_with_its_node_and_remedy() -> None:
    expected = "Node n1 has Python 3.12.1, but this machine has 3.11.7: install that there."
    assert explain_difference(facts("n1", python="3.12.1"), DRIVER) == expected


def test_the_first_package_that_differs_is_named_with_both_versions() -> None:
    other = facts("n1", packages={"numpy": "2.4.3", "torch": "2.12.0"})
    expected = "Node n1 has torch 2.12.0, but this machine has 2.13.0 (1 of 2 pinned packages differ): run make install"
    assert explain_difference(other, DRIVER).startswith(expected)
    missing = facts("n1", packages={"torch": "2.13.0"})
    assert explain_difference(missing, DRIVER).startswith("Node n1 has numpy not at all, but this machine has 2.4.3")


def test_optional_packages_that_are_here_have_to_be_there_in_the_same_version(tmp_path: Path) -> None:
    here = read_facts()["packages"]
    (tmp_path / "constraints.txt").write_text(f"dvc=={here['dvc']}\nnot-here==1\n")
    (tmp_path / "ray.txt").write_text(f"# Ray\nPyYAML=={here['pyyaml']} \\\n    --hash=sha256:0\nabsent==1\n")
    driver = read_driver_facts(tmp_path / "constraints.txt", {tmp_path / "ray.txt": "make ray", Path("none"): "x"})
    assert driver["packages"] == {"dvc": here["dvc"], "not-here": "", "pyyaml": here["pyyaml"]}
    assert "pyyaml" not in read_driver_facts(tmp_path / "constraints.txt")["packages"]
    node = {**driver, "node": "n1", "packages": {"dvc": here["dvc"], "pyyaml": "5.0"}}
    assert explain_difference(node, driver) == (
        f"Node n1 has pyyaml 5.0, but this machine has {here['pyyaml']} (1 of 3 pinned packages differ): "
        "run make ray there."
    )


@pytest.mark.parametrize(
    ("changes", "gpus"),
    [({"python": "3.12.1"}, 0), ({"packages": {}}, 0), ({"cpu": "EPYC avx2"}, 0), ({"gpus": []}, 1)],
)
def test_a_node_refuses_a_cell_where_any_expected_fact_differs(changes: Any, gpus: int) -> None:
    expected = state_expected(DRIVER, DRIVER, gpus)
    assert choose_facts(facts("n1", **changes), expected) != expected


def test_the_cpu_does_not_matter_where_gpus_train_nor_the_gpu_where_the_cpu_does() -> None:
    other = facts("n1", cpu="EPYC avx2")
    assert choose_facts(other, state_expected(DRIVER, DRIVER, 1)) == state_expected(DRIVER, DRIVER, 1)
    assert describe_kind(other, 1) == "H100" and describe_kind(other, 0) == "EPYC avx2"


def test_the_drivers_kind_goes_before_a_more_frequent_one_and_the_rest_is_told() -> None:
    nodes = {"1": facts("a", cpu="EPYC avx2"), "2": facts("b", cpu="EPYC avx2"), "3": facts("c")}
    choice = choose_nodes(nodes, DRIVER, 0, "", {})
    assert (list(choice.nodes), choice.kind) == (["3"], "Xeon avx512f")
    assert choice.sentences == [
        "Cells run on 1 nodes of Xeon avx512f. Nodes of other hardware would give other bytes and stay idle: "
        "2 of EPYC avx2. --hardware chooses another kind."
    ]


def test_without_the_drivers_kind_the_most_frequent_one_runs() -> None:
    nodes = {"1": facts("a", gpus=["A100"]), "2": facts("b", gpus=["L4"]), "3": facts("c", gpus=["L4"])}
    choice = choose_nodes(nodes, facts("login", gpus=[]), 1, "", {})
    assert (list(choice.nodes), choice.kind) == (["2", "3"], "L4")


def test_a_grid_goes_on_with_the_kind_of_its_cells_though_the_driver_or_most_nodes_have_another() -> None:
    nodes = {"1": facts("a"), "2": facts("b"), "3": facts("c", cpu="EPYC avx2")}
    begun = {"EPYC avx2": 3, "Xeon avx512f": 2}
    assert choose_nodes(nodes, DRIVER, 0, "", begun).kind == "EPYC avx2"
    assert choose_nodes(nodes, DRIVER, 0, "xeon", begun).kind == "Xeon avx512f"


def test_where_no_node_has_the_kind_of_the_cells_so_far_it_is_refused_with_the_remedy() -> None:
    expected = (
        r"3 cells of this grid ran on EPYC avx2 or wait for it, but the nodes now have Xeon avx512f, .*"
        "Wait for such a node, or start the grid anew with --hardware"
    )
    with pytest.raises(ValueError, match=expected):
        choose_nodes({"1": facts("a")}, DRIVER, 0, "", {"EPYC avx2": 3})
    assert choose_nodes({"1": facts("a")}, DRIVER, 0, "Xeon", {"EPYC avx2": 3}).kind == "Xeon avx512f"


def test_a_person_chooses_a_kind_by_a_part_of_its_name_in_any_case() -> None:
    nodes = {"1": facts("a"), "2": facts("b", cpu="EPYC avx2")}
    assert list(choose_nodes(nodes, DRIVER, 0, "epyc", {}).nodes) == ["2"]
    for wrong in ("sparc", "avx"):
        with pytest.raises(
            ValueError, match=rf"hardware must be part of one kind .*EPYC avx2, Xeon avx512f.*got {wrong}"
        ):
            choose_nodes(nodes, DRIVER, 0, wrong, {})


def test_a_kind_whose_name_is_part_of_another_is_chosen_by_its_whole_name() -> None:
    nodes = {"1": facts("a", gpus=["Tesla T4"]), "2": facts("b", gpus=["NVIDIA A100", "Tesla T4"])}
    assert choose_nodes(nodes, DRIVER, 1, "tesla t4", {}).kind == "Tesla T4"


def test_nodes_that_differ_are_left_out_and_named() -> None:
    choice = choose_nodes({"1": facts("a"), "2": facts("b", python="3.12.1")}, DRIVER, 0, "", {})
    assert list(choice.nodes) == ["1"]
    assert choice.sentences == ["Node b has Python 3.12.1, but this machine has 3.11.7: install that there."]


def test_where_no_node_may_run_cells_the_reason_is_the_error() -> None:
    with pytest.raises(ValueError, match=r"No node of the cluster can run cells\. Node b has Python 3\.12\.1"):
        choose_nodes({"2": facts("b", python="3.12.1")}, DRIVER, 0, "", {})
    with pytest.raises(ValueError, match="The launch file asks for 2 GPUs, but none has a GPU"):
        choose_nodes({"2": facts("b", gpus=[])}, DRIVER, 2, "", {})


def test_a_refusal_names_the_hardware_where_the_environment_agrees() -> None:
    expected = "Node b has no GPU, but the cells run on H100: it stays idle."
    assert explain_refusal(facts("b", gpus=[]), DRIVER, DRIVER, 1) == expected
    assert "Python 3.12.1" in explain_refusal(facts("b", python="3.12.1", gpus=[]), DRIVER, DRIVER, 1)
