"""Works on slices on a Ray cluster, on nodes that give the bytes of one process; results in the order of the items."""

import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import cycle
from math import floor
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from m2m.node_facts import Facts, describe_kind, explain_difference, read_driver_facts, read_facts
from m2m.progress import Item

Result = TypeVar("Result")
SLICES_AHEAD = 2  # slices a core or a GPU's worker that wait or run: more fill the memory where the writer is slower
SLICE_RETRIES = 3  # of a slice whose node is lost
ANSWER_SECONDS = 120  # a node that does not answer for so long is left out
PINNED = Path(__file__).parents[1] / "constraints.txt"


class Workers(NamedTuple):
    """The nodes that work, by id, what they have of Ray's resources, and sentences on those that do not."""

    resources: Mapping[str, Mapping[str, float]]
    sentences: list[str]

    @property
    def selector(self) -> dict[str, str]:
        """Ray's label selector of these nodes."""
        return {"ray.io/node-id": f"in({','.join(self.resources)})"}

    def count_cores(self) -> int:
        """The cores of these nodes."""
        return int(sum(node.get("CPU", 0) for node in self.resources.values()))

    def count_places(self, gpus: float) -> int:
        """How many workers with so many GPUs each fit; a fraction shares one GPU."""
        share = floor(1 / gpus + 1e-9)  # 1 // 0.1 is 9
        numbers = [node.get("GPU", 0) for node in self.resources.values()]
        return sum(int(number // gpus if gpus >= 1 else number * share) for number in numbers)


def map_by_tasks(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """`function` of each item, by tasks of one core and no GPU; OSError or ValueError where no node can work."""
    ray, workers = join_ray(False)
    task = ray.remote(num_cpus=1, num_gpus=0, max_retries=SLICE_RETRIES, label_selector=workers.selector)(_apply)
    shared = ray.put(function)
    limit = SLICES_AHEAD * max(1, workers.count_cores())
    return _collect(ray, lambda item: task.remote(shared, item), items, limit)


def map_by_actors(function: Callable[[Item], Result], items: Iterable[Item], gpus: float) -> Iterator[Result]:
    """The same by processes that keep `gpus` GPUs each, and what `function` has loaded; items go round."""
    ray, workers = join_ray(True)
    places = workers.count_places(gpus)
    if not places:
        raise ValueError(f"M2M_TASK_GPUS asks for {gpus:g} GPUs at once, but no node has so many: lower or unset it")
    options = {"num_cpus": 0, "num_gpus": gpus, "max_restarts": SLICE_RETRIES, "max_task_retries": SLICE_RETRIES}
    actor = ray.remote(**options, label_selector=workers.selector)(_Actor)
    turns = cycle([actor.remote(function) for _ in range(places)])

    def submit(item: Item) -> Any:
        return next(turns).apply.remote(item)

    return _collect(ray, submit, items, SLICES_AHEAD * places)


@lru_cache(maxsize=2)
def join_ray(with_gpus: bool) -> tuple[Any, Workers]:
    """Ray, and the nodes whose environment is this machine's, of one kind of CPU, or of GPU; others are told.

    Ray joins the cluster at RAY_ADDRESS, or starts on this machine.
    """
    try:
        import ray
    except ImportError as error:
        raise OSError("M2M_ENGINE=ray needs the package ray: run make ray, or unset it") from error
    if not ray.is_initialized():
        package = str(Path(__file__).parent)  # workers import the code of this checkout
        threads = {name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(runtime_env={"py_modules": [package], "env_vars": threads}, log_to_driver=False)
    nodes = {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}
    workers = choose_workers(nodes, _probe(ray, list(nodes)), read_driver_facts(PINNED), with_gpus)
    for sentence in workers.sentences:
        print(f"ray: {sentence}", file=sys.stderr, flush=True)
    return ray, workers


def choose_workers(
    nodes: Mapping[str, Mapping[str, float]], facts: Mapping[str, Facts], driver: Facts, with_gpus: bool
) -> Workers:
    """The `nodes` with the driver's environment and one kind of CPU, or of GPU: the driver's, else the most frequent.

    `nodes` has resources and `facts` those that answered, by id. ValueError with the reasons where no node can work.
    """
    reasons = {node: explain_difference(facts[node], driver) for node in facts}
    kinds = {node: describe_kind(facts[node], with_gpus) for node in facts if not reasons[node]}
    counts = Counter(kind for kind in kinds.values() if kind)
    sentences = sorted({reason for reason in reasons.values() if reason})
    if silent := len(nodes) - len(facts):
        sentences.append(f"{silent} of {len(nodes)} nodes did not answer within {ANSWER_SECONDS} s and are left out.")
    if not counts:
        lacking = sentences or ["None has a GPU: unset M2M_TASK_GPUS."]
        raise ValueError(f"no node of the Ray cluster can work: {' '.join(lacking)}")
    driver_kind = describe_kind(driver, with_gpus)
    kind = min(counts, key=lambda name: (name != driver_kind, -counts[name], name))
    if kind != driver_kind and driver_kind:
        sentences.append(f"No node has this machine's {driver_kind}: vectors and clusters have the bytes of {kind}.")
    idle = [f"{count} of {name}" for name, count in sorted(counts.items()) if name != kind]
    if idle:
        sentences.append(f"{counts[kind]} nodes of {kind} work. Others may give other bytes: {', '.join(idle)} idle.")
    return Workers({node: nodes[node] for node, name in kinds.items() if name == kind}, sentences)


def _probe(ray: Any, nodes: Sequence[str]) -> dict[str, Facts]:
    """The facts of every node that answers, by id."""
    task = ray.remote(num_cpus=0, max_retries=0)(read_facts)
    tasks = {node: task.options(label_selector={"ray.io/node-id": node}).remote() for node in nodes}
    ready, late = ray.wait(list(tasks.values()), num_returns=len(tasks), timeout=ANSWER_SECONDS)
    for reference in late:
        ray.cancel(reference)
    facts = {}
    for node, reference in tasks.items():
        if reference in ready:
            try:
                facts[node] = ray.get(reference)
            except ray.exceptions.RayError:
                continue  # it was lost, and counts as one that did not answer
    return facts


def _collect(ray: Any, submit: Callable[[Item], Any], items: Iterable[Item], limit: int) -> Iterator[Any]:
    """The results in the order of `items`, of which `limit` are on the way at once."""
    pending: deque[Any] = deque()
    try:
        for item in items:
            pending.append(submit(item))
            if len(pending) >= limit:
                yield ray.get(pending.popleft())
        while pending:
            yield ray.get(pending.popleft())
    except ray.exceptions.RayTaskError as error:  # of the function: its own words
        raise error.cause from error
    except ray.exceptions.RayError as error:
        raise OSError(
            f"Ray lost a slice for good ({type(error).__name__}), most likely because a node's memory was full: "
            "run the same command again, with fewer cores a node (ray start --num-cpus)"
        ) from error
    finally:
        for reference in pending:
            ray.cancel(reference)


def _apply(function: Callable[[Item], Result], item: Item) -> Result:
    return function(item)


class _Actor:
    """A process that keeps its GPUs, and what the function loads, such as a model."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def apply(self, item: Any) -> Any:
        """The function of one item."""
        return self.function(item)
