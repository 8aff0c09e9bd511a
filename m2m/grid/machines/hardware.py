"""Which nodes may run a grid's cells: the same environment, and one kind of hardware."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from m2m.grid.workers import MEMORY
from m2m.node_facts import Facts, describe_kind, explain_difference

UNKNOWN_HARDWARE = "unknown hardware"  # the label of cells that train on GPUs which the node does not show


class Needs(NamedTuple):
    """What a cell takes of a node."""

    cpus: int
    gpus: int
    memory: int = MEMORY  # bytes, which Ray counts; Slurm's is an option of sbatch


class NodeChoice(NamedTuple):
    """The nodes that run cells, by id, their kind of hardware, and what a person should read about the others."""

    nodes: dict[str, Facts]
    kind: str
    sentences: list[str]


def state_expected(driver: Facts, node: Facts, gpus_each: int) -> Facts:
    """What a node has to be like to run a cell: this machine's environment, and the hardware of `node`."""
    hardware = "gpus" if gpus_each else "cpu"
    return {"python": driver["python"], "packages": driver["packages"], hardware: node[hardware]}


def explain_missing_gpus(facts: Facts, gpus_each: int) -> str:
    """Why cells that train on GPUs are labelled UNKNOWN_HARDWARE, in one sentence; empty if the node shows its GPUs."""
    if not gpus_each or facts["gpus"]:
        return ""
    return (
        f"The launch file asks for {gpus_each} GPUs, but nvidia-smi shows none on node {facts['node']}, so the cells "
        f"are labelled {UNKNOWN_HARDWARE}: name a partition or constraint with NVIDIA GPUs in --sbatch."
    )


def explain_refusal(facts: Facts, sample: Facts, driver: Facts, gpus_each: int) -> str:
    """Why a node refused a cell, in one sentence: its environment, or other hardware than that of `sample`."""
    kinds = [describe_kind(node, gpus_each) or "no GPU" for node in (facts, sample)]
    different = f"Node {facts['node']} has {kinds[0]}, but the cells run on {kinds[1]}: it stays idle."
    return explain_difference(facts, driver) or different


def explain_other_kind(cells_by_kind: Mapping[str, int], kinds: Collection[str]) -> str:
    """Why a grid whose cells (`cells_by_kind`) are of none of the `kinds` should not go on; empty if it may."""
    kind = find_grid_kind(cells_by_kind)
    if not kind or kind in kinds:
        return ""
    return (
        f"{cells_by_kind[kind]} cells of this grid ran on {kind} or wait for it, but the nodes now have "
        f"{', '.join(sorted(kinds))}, which gives other bytes: none of those cells would count. "
    )


def find_grid_kind(cells_by_kind: Mapping[str, int]) -> str:
    """The kind that most cells have; empty without cells."""
    return min(cells_by_kind, key=lambda kind: (-cells_by_kind[kind], kind), default="")


def choose_nodes(
    nodes: Mapping[str, Facts], driver: Facts, gpus_each: int, hardware: str, cells_by_kind: Mapping[str, int]
) -> NodeChoice:
    """The nodes of one kind of hardware: that `hardware` is part of, or that most cells of this grid have.

    Without both the driver's, else the most frequent. `cells_by_kind` are this grid's cells. ValueError if no node
    has this machine's environment, or that kind, or `hardware` is part of several.
    """
    reasons = {node: explain_difference(facts, driver) for node, facts in nodes.items()}
    kinds = {node: describe_kind(facts, gpus_each) for node, facts in nodes.items() if not reasons[node]}
    sentences = sorted({reason for reason in reasons.values() if reason})
    counts = Counter(kind for kind in kinds.values() if kind)
    if not counts:
        lacking = "No node of the cluster can run cells. "
        raise ValueError(
            lacking + (" ".join(sentences) or f"The launch file asks for {gpus_each} GPUs, but none has a GPU.")
        )
    exact = [kind for kind in counts if hardware.lower() == kind.lower()]
    matching = exact or sorted(kind for kind in counts if hardware.lower() in kind.lower())
    if hardware and len(matching) != 1:
        raise ValueError(
            f"hardware must be part of one kind of the nodes' hardware ({', '.join(sorted(counts))}), got {hardware}."
        )
    if not hardware and (reason := explain_other_kind(cells_by_kind, counts)):
        raise ValueError(f"{reason}Wait for such a node, or start the grid anew with --hardware and a part of a name.")
    driver_kind = describe_kind(driver, gpus_each)
    frequent = min(counts, key=lambda name: (name != driver_kind, -counts[name], name))
    kind = matching[0] if hardware else find_grid_kind(cells_by_kind) or frequent
    idle = [f"{count} of {name}" for name, count in sorted(counts.items()) if name != kind]
    if idle:
        sentences.append(
            f"Cells run on {counts[kind]} nodes of {kind}. Nodes of other hardware would give other bytes and stay "
            f"idle: {', '.join(idle)}. --hardware chooses another kind."
        )
    return NodeChoice({node: nodes[node] for node, name in kinds.items() if name == kind}, kind, sentences)
