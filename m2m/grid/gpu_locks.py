"""Which GPUs there are, and which of them a worker holds: a lock file each, which the kernel frees when it ends."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

# Of this machine and person, for all repositories; TMPDIR may be a job's own.
LOCKS = Path("/tmp") / f"gpus-{os.getuid()}"


class HeldGpus(NamedTuple):
    """GPUs that nobody held, and their open lock files: whoever inherits a file holds its GPU."""

    devices: str  # as CUDA_VISIBLE_DEVICES has them
    locks: tuple[int, ...]


def list_gpus() -> list[str]:
    """The GPUs that we may use: CUDA_VISIBLE_DEVICES up to a -1, as CUDA reads it, or all that nvidia-smi lists."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is not None:
        return list(takewhile(lambda one: one and one != "-1", told.split(",")))
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return [str(at) for at, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def group_gpus(each: int) -> list[list[str]]:
    """Those GPUs, `each` to a group; ValueError where there are some, and too few for one group."""
    devices = list_gpus()
    if 0 < len(devices) < each:
        raise ValueError(
            f"launch starts {each} processes, a GPU each, but there are {len(devices)} GPUs: "
            "change num_processes in that file"
        )
    return [devices[at : at + each] for at in range(0, len(devices) - each + 1, each)]


@contextmanager
def hold_free_gpus(groups: Sequence[Sequence[str]], jobs: int) -> Iterator[HeldGpus | None]:
    """The first of `groups` that is free, ours until we close it and every heir has; None when all are held.

    Where there are more jobs than groups, a group has as many places as it takes.
    """
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    places = [(group, place) for place in range(-(-jobs // max(1, len(groups)))) for group in groups]
    for group, place in places:
        with ExitStack() as held:
            try:
                locks = tuple(_locked(held, f"{device.replace('/', '_')}.{place}") for device in group)
            except BlockingIOError:
                continue
            yield HeldGpus(",".join(group), locks)
            return
    yield None


def _locked(held: ExitStack, name: str) -> int:
    lock = held.enter_context((LOCKS / name).open("a"))
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return lock.fileno()
