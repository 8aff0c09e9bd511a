"""Starts, lists and stops DVC's queue workers, each with its share of cores and its own GPUs."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from m2m.grid.gpu_locks import group_gpus, hold_free_gpus
from m2m.grid.machines.remote_cell import THREAD_VARIABLES
from m2m.parallel import count_cores

LOGS = Path(".cache/grid")
MEMORY = 3 * 2**30  # bytes that a cell of the default pipeline may need on the CPU: 2 GiB were seen
WAIT = 2.0  # seconds that a process has to clean up


class DriverEnded(BaseException):
    """A signal that is not Ctrl-C ended the driver of a cluster's cells, which stay."""


class Worker(NamedTuple):
    """A process of `dvc exp queue-worker`; idle when it runs no experiment."""

    number: int
    pid: int
    idle: bool


def list_workers() -> list[Worker]:
    """The workers of this repository, whoever started them."""
    processes = list(_processes())
    parents = {parent for _, parent, _ in processes}
    return [
        Worker(int(name.split("@")[0].rsplit("-", 1)[1]), pid, pid not in parents)
        for pid, _, words in processes
        for name in words
        if "queue-worker" in words and name.startswith(_node())
    ]


def list_running_keys(keys: Sequence[str]) -> set[str]:
    """The keys, of `keys` (stash revisions), of queue entries that a process runs."""
    lines = [" ".join(words) for _, _, words in _processes() if "exec-run" in words]
    return {key for key in keys if any(key in line for line in lines)}


def choose_worker_count(gpus_each: int) -> int:
    """One worker a group of `gpus_each` GPUs; without GPUs, one a core that has memory for a training."""
    fitting = int(psutil.virtual_memory().available / MEMORY)
    return len(group_gpus(gpus_each)) or max(1, min(count_cores(), fitting))


def start(number: int, jobs: int, gpus_each: int) -> bool:
    """Start worker `number`, 1 … `jobs`, which ends when the queue is empty. False: `gpus_each` GPUs are not free."""
    LOGS.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "dvc", "exp", "queue-worker", f"{_node()}{number}@localhost"]
    groups = group_gpus(gpus_each)
    with hold_free_gpus(groups, jobs) as free, (LOGS / f"worker-{number}.log").open("ab") as log:
        if groups and not free:
            return False
        subprocess.Popen(
            words + ["--clean"] * (number == 1),
            env=os.environ | build_environment(jobs) | ({"CUDA_VISIBLE_DEVICES": free.devices} if free else {}),
            pass_fds=free.locks if free else (),  # the worker keeps them locked while it lives, even if the driver ends
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal reaches the driver only
        )
    return True


def build_environment(jobs: int) -> dict[str, str]:
    """The variables of one of `jobs` workers: PATH to this Python, and its share of the cores."""
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return path | dict.fromkeys(THREAD_VARIABLES, str(max(1, count_cores() // jobs)))


def stop(pids: Sequence[int]) -> None:
    """Stop these processes and their descendants: SIGTERM, and SIGKILL after WAIT seconds."""
    processes: dict[int, psutil.Process] = {}
    for pid in pids:
        with suppress(psutil.NoSuchProcess):  # it may end between a look and a signal
            parent = psutil.Process(pid)
            processes |= {process.pid: process for process in [parent, *parent.children(recursive=True)]}
    for process in processes.values():
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes.values(), timeout=WAIT)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=WAIT)


@contextmanager
def stop_on_signals(error: type[BaseException] = KeyboardInterrupt) -> Iterator[None]:
    """On SIGTERM and SIGHUP, stop all descendants and raise `error`: as Ctrl-C in a terminal does, or DriverEnded.

    A signal that is ignored from the start, as SIGHUP under nohup, stays so.
    """

    def interrupt(*_: object) -> None:
        stop([child.pid for child in psutil.Process().children()])
        raise error

    heeded = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    previous = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _node() -> str:
    """The node name that `dvc queue start` gives its workers, so that `dvc queue stop` finds ours too."""
    folder = str(Path(".dvc/tmp/exps/celery").resolve())
    return f"dvc-exp-{hashlib.sha256(folder.encode()).hexdigest()[:6]}-"


def _processes() -> list[tuple[int, int, list[str]]]:
    listed = [process.info for process in psutil.process_iter(["pid", "ppid", "cmdline"])]
    return [(info["pid"], info["ppid"], info["cmdline"] or []) for info in listed]
