"""Runs many cells on other machines: hands them to an engine, fetches finished ones, retries failed and lost ones."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from m2m.grid import workers
from m2m.grid.machines.cell_refs import fetch_cells, list_claims
from m2m.grid.machines.grid_remotes import Snapshot
from m2m.grid.machines.remote_calls import redact
from m2m.grid.progress_table import Tally, count_cells, follow_progress
from m2m.grid.runner import TRIES
from m2m.runtime.visible_text import make_visible

LOST_TRIES = 20  # a cell whose node was lost or refused it is tried far more often than one that failed
LOOK_PAUSE = 1.0  # seconds between two looks
RETRY_PAUSES = (15.0, 60.0)  # seconds before the second and the third try: a remote may be away for a minute
LOST_PAUSE = 15.0  # seconds: what is left of a lost cell may still push it
CLAIM_PATIENCE = 300.0  # seconds that a cell waits which a node of a lost worker or driver pushes, or died pushing
Order = Mapping[str, Any]  # what a node gets for a cell, as JSON


class CellState(NamedTuple):
    """What an engine knows of a cell that it was given."""

    state: Literal["queued", "running", "done", "failed", "lost", "refused"]
    node: str = ""
    reason: str = ""
    log: str = ""


class CellEngine(NamedTuple):
    """Where cells run. What `look` returns as ended, it returns once."""

    submit: Callable[[Sequence[Order]], None]
    look: Callable[[], Mapping[str, CellState]]
    stop: Callable[[], None]
    slots: Callable[[], int]


def build_orders(
    todo: Mapping[str, Sequence[str]],
    snapshot: Snapshot,
    shared: Sequence[str],
    threads: int,
    message: str,
    folder: str,
) -> dict[str, Order]:
    """What nodes need to know of each cell of `todo`, overrides by name, without what they have to be like."""
    common: dict[str, Any] = {
        "git": snapshot.git,
        "head": snapshot.head,
        "snapshot": snapshot.revision,
        "ref": snapshot.ref,
        "store": snapshot.store,
    }
    common |= {"shared": list(shared), "threads": threads, "message": message, "folder": folder}
    return {name: {"name": name, "overrides": list(overrides), **common} for name, overrides in todo.items()}


def run_remote_cells(orders: Mapping[str, Order], engine: CellEngine, stated_seconds: float, label: str) -> list[str]:
    """Run the cells on the engine until each is fetched or failed in every try; the names of the failed.

    Cells that the git remote has already are fetched, not run. Ctrl-C stops the engine's cells.
    """
    runner = RemoteRunner(orders, engine, stated_seconds)
    try:
        follow_progress(runner.look, runner.tally, LOOK_PAUSE, label)
    except KeyboardInterrupt:
        engine.stop()
        raise
    return sorted(runner.failed)


class RemoteRunner:
    """The state of the cells from one look to the next."""

    def __init__(self, orders: Mapping[str, Order], engine: CellEngine, stated_seconds: float) -> None:
        self.orders, self.engine, self.stated_seconds = orders, engine, stated_seconds
        order = next(iter(orders.values()))
        self.git, self.store = order["git"], order["store"]  # one for all
        self.states: dict[str, CellState] = {}  # of the cells that the engine has
        self.finished: set[str] = set()
        self.torn: dict[str, str] = {}  # why a cell that the git remote has does not count
        self.failed: set[str] = set()
        self.tries: Counter[str] = Counter()
        self.losses: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.ready = dict.fromkeys(orders, 0.0)  # when a cell may be submitted
        self.begun: dict[str, float] = {}
        self.claimed: dict[str, float] = {}  # since when a cell that nobody runs waits for the node that pushes it
        self.durations: list[float] = []
        self.shown: set[str] = set()

    def look(self) -> bool:
        """Update the state and act on it; False when nothing is left to do."""
        clock = time.monotonic()
        self.states = {name: state for name, state in self.engine.look().items() if name in self.orders}
        for name in [name for name, state in self.states.items() if state.state == "running"]:
            self.begun.setdefault(name, clock)
        ended = {name: state for name, state in self.states.items() if state.state not in ("queued", "running")}
        if ended or self._list_waiting(clock):  # a lost cell may have been pushed after all
            self._fetch()
        self._wait_for_claims(clock)
        for name, state in ended.items():
            self._end(name, state, clock)
        waiting = self._list_waiting(clock)
        if waiting:
            self.engine.submit([self.orders[name] for name in waiting])
            self.states |= {name: CellState("queued") for name in waiting}
            self.claimed = {name: since for name, since in self.claimed.items() if name not in waiting}
        if self.states and not self.engine.slots():
            self._say(
                "No node can take a cell now: too few cores, GPUs or memory, or all are lost. The grid waits for one."
            )
        return len(self.finished) + len(self.failed) < len(self.orders)

    def tally(self) -> Tally:
        """The counts so far, and the time left at the pace so far."""
        clock = time.monotonic()
        active = {n: s for n, s in self.states.items() if s.state == "running" and n not in self.finished}
        running = {f"{name} on {state.node}": clock - self.begun[name] for name, state in active.items()}
        counts = len(self.orders), len(self.finished), len(self.failed)
        return count_cells(*counts, running, self.durations or [self.stated_seconds], max(1, self.engine.slots()))

    def _list_waiting(self, clock: float) -> list[str]:
        """The cells that may be submitted now."""
        busy = self.states.keys() | self.finished | self.failed
        return [name for name in self.orders if name not in busy and clock >= self.ready[name]]

    def _fetch(self) -> None:
        fetched = fetch_cells(self.git, self.store, set(self.orders) - self.finished)
        self.finished |= fetched.complete
        self.failed -= self.finished
        self.torn = fetched.torn
        for sentence in fetched.torn.values():
            self._say(sentence)

    def _wait_for_claims(self, clock: float) -> None:
        """Hold cells back that a node of a lost worker or driver still pushes; a while, since it may have died."""
        waiting = self._list_waiting(clock)
        for name in list_claims(self.git, waiting) if waiting else ():
            if clock - self.claimed.setdefault(name, clock) < CLAIM_PATIENCE:
                self.ready[name] = clock + LOST_PAUSE
                self._say(f"{name} is being pushed by a node, which is waited for, at most {CLAIM_PATIENCE:.0f} s")

    def _end(self, name: str, state: CellState, clock: float) -> None:
        """Count the end of one try of a cell, and decide when it may be tried again."""
        del self.states[name]
        start = self.begun.pop(name, clock)
        reason, log = (make_visible(redact(text)) for text in (state.reason, state.log))
        if log:
            (workers.LOGS / f"{name}.log").write_text(log, encoding="utf-8")
        if name in self.finished:
            self.durations.append(clock - start)
        elif state.state == "refused":
            self._say(reason)
            self.refusals[name] += 1
            if self.refusals[name] == LOST_TRIES:
                self._give_up(name, f"nodes refused it {LOST_TRIES} times, the last time: {reason}")
        elif state.state == "lost":
            self.losses[name] += 1
            self.ready[name] = clock + LOST_PAUSE
            print(f"grid: {name} was lost on {state.node or 'its node'} ({reason}); it runs again", flush=True)
            if self.losses[name] == LOST_TRIES:
                self._give_up(name, f"its node or worker was lost {LOST_TRIES} times, the last time by {reason}")
        else:
            reason = reason or self.torn.get(
                name, f"the git remote has no experiment {name}, though {state.node} pushed it"
            )
            self.claimed[name] = -math.inf  # its node has ended, and pushes it no more
            self.tries[name] += 1
            if self.tries[name] == TRIES:
                self._give_up(name, reason)
            else:
                self.ready[name] = clock + RETRY_PAUSES[self.tries[name] - 1]

    def _give_up(self, name: str, reason: str) -> None:
        self.failed.add(name)
        with (workers.LOGS / f"{name}.log").open("a", encoding="utf-8") as log:
            log.write(f"\n{reason}\n")

    def _say(self, sentence: str) -> None:
        if sentence not in self.shown:
            print(f"grid: {sentence}", flush=True)
        self.shown.add(sentence)
