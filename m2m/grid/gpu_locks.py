"""Lists and queries GPUs, and locks those that a worker uses: a lock file each, which the kernel frees at its end."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

# One folder for this machine and user, for all repositories. TMPDIR may differ between jobs.
LOCKS = Path("/tmp") / f"gpus-{os.getuid()}"
MEBIBYTE = 2**20


class HeldGpus(NamedTuple):
    """GPUs that were free, and their open lock files: a process that inherits a file holds its GPU."""

    devices: str  # as CUDA_VISIBLE_DEVICES has them
    locks: tuple[int, ...]


def list_gpus() -> list[str]:
    """The usable GPUs: CUDA_VISIBLE_DEVICES up to a -1, as CUDA reads it, or all that nvidia-smi lists."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return list(takewhile(lambda device: device and device != "-1", visible.split(",")))
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return [str(index) for index, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def query_gpus(devices: Sequence[str], field: str) -> list[str]:
    """The value of nvidia-smi's `field` for each of these GPUs, which are named as in CUDA_VISIBLE_DEVICES.

    [] where nvidia-smi is missing or fails, as it does for a GPU that is not there.
    """
    if not shutil.which("nvidia-smi"):
        return []
    query = ["nvidia-smi", f"--id={','.join(devices)}", f"--query-gpu={field}", "--format=csv,noheader,nounits"]
    process = subprocess.run(query, capture_output=True, text=True, check=False)
    return [] if process.returncode else process.stdout.splitlines()


def measure_gpu_memory(devices: Sequence[str]) -> float | None:
    """Bytes of the smallest of these GPUs, named as in CUDA_VISIBLE_DEVICES; None where nvidia-smi knows no size."""
    lines = query_gpus(devices, "memory.total")
    if not lines or not all(line.strip().isdecimal() for line in lines):
        return None
    return min(float(line) for line in lines) * MEBIBYTE


def group_gpus(size: int) -> list[list[str]]:
    """The usable GPUs in groups of `size`; ValueError if there are some, but too few for one group."""
    devices = list_gpus()
    if 0 < len(devices) < size:
        raise ValueError(
            f"launch starts {size} processes, a GPU each, but there are {len(devices)} GPUs. Change num_processes in "
            "the launch file."
        )
    return [devices[start : start + size] for start in range(0, len(devices) - size + 1, size)]


@contextmanager
def hold_free_gpus(groups: Sequence[Sequence[str]], jobs: int) -> Iterator[HeldGpus | None]:
    """The first free group, locked until we and every process that inherits it close it; None if all are in use.

    With more jobs than groups, several jobs share a group.
    """
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    places = [(group, place) for place in range(-(-jobs // max(1, len(groups)))) for group in groups]
    for group, place in places:
        with ExitStack() as stack:
            try:
                locks = tuple(_lock(stack, f"{device.replace('/', '_')}.{place}") for device in group)
            except BlockingIOError:
                continue
            yield HeldGpus(",".join(group), locks)
            return
    yield None


def _lock(stack: ExitStack, name: str) -> int:
    lock = stack.enter_context((LOCKS / name).open("a"))
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock.fileno()
