"""Which GPUs there are, and which of them a worker holds: a lock file each, which the kernel frees when it ends."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

# Of this machine and person, for all repositories; TMPDIR may be a job's own.
LOCKS = Path("/tmp") / f"gpus-{os.getuid()}"


class Free(NamedTuple):
    """A GPU that nobody held, and the open lock file of it: whoever inherits the file holds the GPU."""

    device: str  # as CUDA_VISIBLE_DEVICES has it
    lock: int


def gpus() -> list[str]:
    """The GPUs that we may use: CUDA_VISIBLE_DEVICES up to a -1, as CUDA reads it, or all that nvidia-smi lists."""
    told = os.environ.get("CUDA_VISIBLE_DEVICES")
    if told is not None:
        return list(takewhile(lambda one: one and one != "-1", told.split(",")))
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False).stdout
    return [str(at) for at, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


@contextmanager
def free_gpu(devices: Sequence[str], jobs: int) -> Iterator[Free | None]:
    """The first free one of `devices`, ours until we close it and every heir has; None when all are held.

    Where there are more jobs than devices, a device has as many places as it takes.
    """
    LOCKS.mkdir(mode=0o700, exist_ok=True)
    places = [(device, place) for place in range(-(-jobs // max(1, len(devices)))) for device in devices]
    for device, place in places:
        with (LOCKS / f"{device.replace('/', '_')}.{place}").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield Free(device, lock.fileno())
            return
    yield None
