"""Starts DVC's queue workers, each with its share of the cores and GPUs of its own, and sees which are at work."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

from m2m.grid.gpu_locks import group_gpus, hold_free_gpus
from m2m.parallel import cores

LOGS = Path(".cache/grid")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS")
MEMORY = 3 * 2**30  # bytes that a cell of the default pipeline may need on the CPU: 2 GiB were seen
WAIT = 20  # seconds that a worker has to clean up


class Worker(NamedTuple):
    """A process of `dvc exp queue-worker`; idle when it runs no experiment."""

    number: int
    pid: int
    idle: bool


def list_workers() -> list[Worker]:
    """Those of this repository, whoever started them."""
    known = list(_processes())
    parents = {parent for _, parent, _ in known}
    return [
        Worker(int(name.split("@")[0].rsplit("-", 1)[1]), pid, pid not in parents)
        for pid, _, words in known
        for name in words
        if "queue-worker" in words and name.startswith(_node())
    ]


def list_running_keys(keys: Sequence[str]) -> set[str]:
    """Which of the queue's entries, by their stash revisions, have a process."""
    lines = [" ".join(words) for _, _, words in _processes() if "exec-run" in words]
    return {key for key in keys if any(key in line for line in lines)}


def choose_worker_count(each: int) -> int:
    """As many workers as GPUs allow, `each` for one; without GPUs as cores, and memory for a training on each."""
    fit = int(psutil.virtual_memory().available / MEMORY)
    return len(group_gpus(each)) or max(1, min(cores(), fit))


def start(number: int, jobs: int, each: int) -> bool:
    """Start the worker of this number, 1 … `jobs`; it ends by itself when the queue is empty.

    False: `each` GPUs are not free, where there are GPUs.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "dvc", "exp", "queue-worker", f"{_node()}{number}@localhost"]
    known = group_gpus(each)
    with hold_free_gpus(known, jobs) as free, (LOGS / f"worker-{number}.log").open("ab") as log:
        if known and not free:
            return False
        subprocess.Popen(
            words + ["--clean"] * (number == 1),
            env=os.environ | build_environment(jobs) | ({"CUDA_VISIBLE_DEVICES": free.devices} if free else {}),
            pass_fds=free.locks if free else (),  # the worker holds them while it lives, whatever becomes of us
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal is for the driver alone
        )
    return True


def build_environment(jobs: int) -> dict[str, str]:
    """What the cells of one of `jobs` workers find set: PATH to this Python, and their share of the cores."""
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return path | dict.fromkeys(THREAD_VARIABLES, str(max(1, cores() // jobs)))


def stop(pids: Sequence[int]) -> None:
    """End these workers and what they run: they may clean up, then they must."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        left = []
        for pid in pids:
            with suppress(psutil.NoSuchProcess, ProcessLookupError):  # it may end between a look and a signal
                left.append(psutil.Process(pid))
                os.killpg(os.getpgid(pid), sign)
        psutil.wait_procs(left, timeout=WAIT)


def _node() -> str:
    """As DVC names the workers of `dvc queue start`, so that `dvc queue stop` finds ours too."""
    folder = str(Path(".dvc/tmp/exps/celery").resolve())
    return f"dvc-exp-{hashlib.sha256(folder.encode()).hexdigest()[:6]}-"


def _processes() -> list[tuple[int, int, list[str]]]:
    told = [one.info for one in psutil.process_iter(["pid", "ppid", "cmdline"])]
    return [(one["pid"], one["ppid"], one["cmdline"] or []) for one in told]
