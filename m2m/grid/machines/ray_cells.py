"""Cells as tasks of a Ray cluster: one node a task, chosen here, so that the state of each cell is known here."""

import json
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from m2m.grid import workers
from m2m.grid.machines.hardware import Needs, choose_nodes, explain_refusal, state_expected
from m2m.grid.machines.remote_runner import CellEngine, CellState, Order
from m2m.grid.workers import MEMORY
from m2m.node_facts import Facts
from m2m.runtime.atomic_files import write_text

OUT_OF_MEMORY = (
    f"Ray ended it since its node ran out of memory: a cell takes more than the {MEMORY / 2**30:.0f} GiB that the grid "
    "plans. Run fewer at once with --jobs, or start that node with a smaller --memory"
)
PROBE_SECONDS = 120  # a node that does not answer for so long is left out
HOMES = "homes.json"  # in the folder of logs, so that the next driver knows it
HOME_PATIENCE = 60.0  # seconds that a cell waits for the machine that began it, whose cache has its finished stages


class RunningCell(NamedTuple):
    """A task, its node by id, and that node's name."""

    task: Any
    node: str
    name: str


def connect(address: str) -> None:
    """Join the Ray cluster at `address`: auto, HOST:PORT, or ray://HOST:PORT. ValueError with the remedy."""
    try:
        import ray
    except ImportError as error:
        raise ValueError(
            "--on with a Ray cluster needs the package ray: run make ray here and on every node."
        ) from error
    options: dict[str, Any] = {} if address.startswith("ray://") else {"log_to_driver": False, "logging_level": "error"}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, **options)
        signal.signal(signal.SIGTERM, handler)  # Ray puts its own in its place, by which nothing would be said
    except (ConnectionError, RuntimeError, TimeoutError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"No Ray cluster can be used at {address} ({reason}): run ray start --head on one machine, and name its "
            "address."
        ) from error


def probe_nodes(program: bytes) -> dict[str, Facts]:
    """The facts of every node of the cluster, by id. A node that does not answer is left out."""
    import ray

    tasks = {node: _start(program, "facts", "", node, Needs(0, 0, 0)) for node in _list_nodes()}
    ray.wait(list(tasks.values()), num_returns=len(tasks), timeout=PROBE_SECONDS)
    facts = {node: _get_answer(task) for node, task in tasks.items()}
    return {node: json.loads(answer) for node, answer in facts.items() if answer and answer[0] == "{"}


class RayCells:
    """The cells of one grid in a Ray cluster: those that wait, and those that run, a task each."""

    def __init__(
        self, program: bytes, needs: Needs, sample: Facts, refusing: Collection[str], driver: Facts, limit: int
    ) -> None:
        self.program, self.needs, self.driver, self.limit = program, needs, driver, limit
        self.sample = sample  # facts of one node: all that run cells have its kind of hardware
        self.waiting: list[Order] = []
        self.running: dict[str, RunningCell] = {}
        self.refusing = set(refusing)
        self.homes = read_homes()  # the address of the machine that began a cell; its node's id may change
        self.leaving: dict[str, float] = {}  # when a cell that was submitted again may begin on another machine

    def open_engine(self) -> CellEngine:
        """The functions that the runner calls."""
        return CellEngine(self.submit, self.look, self.stop, self.count_slots)

    def submit(self, orders: Sequence[Order]) -> None:
        """Let the cells wait for a free place; one that ran before waits for its own machine a while."""
        clock = time.monotonic()
        self.leaving |= {order["name"]: clock + HOME_PATIENCE for order in orders if order["name"] in self.homes}
        self.waiting += orders

    def look(self) -> dict[str, CellState]:
        """The state of every cell that was submitted; one that has ended is forgotten."""
        ended = self._collect_ended()
        self._start_waiting()
        running = {name: CellState("running", cell.name) for name, cell in self.running.items()}
        return {order["name"]: CellState("queued") for order in self.waiting} | running | ended

    def stop(self) -> None:
        """End all cells."""
        import ray

        self.waiting.clear()
        for cell in self.running.values():
            ray.cancel(cell.task, force=True)

    def count_slots(self) -> int:
        """How many cells run at once."""
        places = {name: count_places(node, self.needs) for name, node in _list_nodes().items()}
        count = sum(number for name, number in places.items() if name not in self.refusing)
        return min(count, self.limit or count)

    def _collect_ended(self) -> dict[str, CellState]:
        import ray

        tasks = {cell.task: name for name, cell in self.running.items()}
        ready, _ = ray.wait(list(tasks), num_returns=len(tasks), timeout=0) if tasks else ([], [])
        ended = {tasks[task]: self._read_end(self.running.pop(tasks[task])) for task in ready}
        for name in [name for name, state in ended.items() if state.state != "lost"]:
            del self.homes[name]  # a machine where it failed, or which refused it, has no claim on it
        if ended:
            write_text(workers.LOGS / HOMES, json.dumps(self.homes))
        return ended

    def _read_end(self, cell: RunningCell) -> CellState:
        import ray

        try:
            report = json.loads(ray.get(cell.task))
        except ray.exceptions.RayTaskError as error:
            return CellState("failed", cell.name, str(error.cause))
        except ray.exceptions.OutOfMemoryError:
            return CellState("failed", cell.name, OUT_OF_MEMORY)
        except ray.exceptions.RayError as error:
            return CellState("lost", cell.name, type(error).__name__)
        if report["outcome"] == "refused":
            self.refusing.add(cell.node)
            reason = explain_refusal(report["facts"], self.sample, self.driver, self.needs.gpus)
            return CellState("refused", cell.name, report["reason"] or reason)
        return CellState(report["outcome"], report["node"], report["reason"], report["log"])

    def _start_waiting(self) -> None:
        expected = state_expected(self.driver, self.sample, self.needs.gpus)
        for name, node in _list_nodes().items():
            busy = sum(cell.node == name for cell in self.running.values())
            free = 0 if name in self.refusing else count_places(node, self.needs) - busy
            free = min(free, self.limit - len(self.running)) if self.limit else free
            address = node["NodeManagerAddress"]
            for order in self._list_takers(address)[: max(0, free)]:
                self.waiting.remove(order)
                self.homes[order["name"]] = address
                text = json.dumps({**order, "expected": expected})
                task = _start(self.program, "run", text, name, self.needs)
                self.running[order["name"]] = RunningCell(task, name, node["NodeManagerHostname"])
                write_text(workers.LOGS / HOMES, json.dumps(self.homes))

    def _list_takers(self, address: str) -> list[Order]:
        """The waiting cells that a machine may begin, first those that it began before."""
        clock = time.monotonic()
        returning = [order for order in self.waiting if self.homes.get(order["name"]) == address]
        free = [order for order in self.waiting if self.leaving.get(order["name"], 0.0) <= clock]
        return returning + [order for order in free if order not in returning]


def read_homes() -> dict[str, str]:
    """Where an earlier driver's cells ran whose end it did not see; none if its file is damaged or missing."""
    with suppress(OSError, TypeError, ValueError):
        return dict(json.loads((workers.LOGS / HOMES).read_text(encoding="utf-8")))
    return {}


def open_ray(
    address: str,
    program: bytes,
    needs: Needs,
    driver: Facts,
    hardware: str,
    cells_by_kind: Mapping[str, int],
    limit: int,
) -> tuple[CellEngine, str]:
    """The engine of the Ray cluster at `address`, and the kind of hardware that its cells run on.

    `hardware` and `cells_by_kind` choose the kind, as in `choose_nodes`. At most `limit` cells run at once;
    0: as many as fit.
    """
    connect(address)
    nodes, facts = _list_nodes(), probe_nodes(program)
    if not facts:
        raise ValueError(
            f"None of the {len(nodes)} nodes at {address} answered in {PROBE_SECONDS} s: look at ray status."
        )
    choice = choose_nodes(facts, driver, needs.gpus, hardware, cells_by_kind)
    silent = len(set(nodes) - set(facts))
    checked = f"{silent} of {len(nodes)} nodes did not answer yet: each checks itself before its first cell."
    for sentence in [*choice.sentences, *[checked] * bool(silent)]:
        print(f"grid: {sentence}", flush=True)
    sample, refusing = next(iter(choice.nodes.values())), set(facts) - set(choice.nodes)
    return RayCells(program, needs, sample, refusing, driver, limit).open_engine(), choice.kind


def _list_nodes() -> dict[str, Any]:
    """The living nodes, by id."""
    import ray

    return {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}


def count_places(node: Mapping[str, Any], needs: Needs) -> int:
    """How many cells fit on the node."""
    resources, names = node["Resources"], ("CPU", "GPU", "memory")
    pairs = [(resources.get(name, 0), need) for name, need in zip(names, needs, strict=True)]
    return min(int(resource // need) for resource, need in pairs if need)


def _start(program: bytes, task_name: str, order: str, node: str, needs: Needs) -> Any:
    """A task on the node: the program with `order` on its standard input, which ends when the task's worker dies."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def run_program(program: bytes, task_name: str, order: str) -> str:  # in here, so that Ray sends it by value
        import os
        import subprocess
        import sys
        import tempfile

        reading, writing = os.pipe()
        os.write(writing, f"{order}\n".encode())  # 10 kB of the 64 that a pipe takes; it stays open while this lives
        with tempfile.NamedTemporaryFile(suffix=".pyz") as file:
            file.write(program)
            file.flush()
            words = [sys.executable, file.name, task_name]
            process = subprocess.run(  # a session of its own: Ray kills a dead worker's group, but a push should end
                words, stdin=reading, capture_output=True, text=True, check=False, start_new_session=True
            )
        os.close(reading)
        os.close(writing)
        if process.returncode:
            raise RuntimeError(f"the node's program ended with {process.returncode}: {process.stderr[-600:]}")
        return process.stdout

    options = {"num_cpus": needs.cpus, "num_gpus": needs.gpus, "memory": needs.memory, "max_retries": 0}
    place = NodeAffinitySchedulingStrategy(node, soft=False)
    return ray.remote(run_program).options(**options, scheduling_strategy=place).remote(program, task_name, order)


def _get_answer(task: Any) -> str:
    """What the task returned; empty if it has not, or failed."""
    import ray

    try:
        return str(ray.get(task, timeout=0))
    except (ray.exceptions.RayError, TimeoutError):
        return ""
