"""A node's calls of git and DVC: what they print goes to the cell's log, and those of remotes are tried again.

Nodes get this file as part of a program.
"""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep

from m2m.grid.machines.call_limits import CALL_SECONDS, REFUSED, limit_calls

PAUSES = (2, 5, 10, 20, 40, 60, 60)  # seconds between tries while a remote is away: three minutes in all
PASSWORD = re.compile(r"(?<=://)[^/@\s]+@")
AUTHOR = {f"GIT_{role}_{field}": "m2m" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}
LATE = ("rejected", "remote ref does not exist")  # another node pushed the cell first, and removed its claim
DROPPED_VARIABLES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "DVC_ROOT", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV")


class CellError(Exception):
    """A cell cannot end here, with the reason."""


def insist(words: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str] = AUTHOR) -> str:
    """`call` of a remote, and again while it fails, since it may be away; not where the remote says no."""
    limits = {**limit_calls(), **environment}
    for pause in PAUSES:
        try:
            return call(words, folder, log, limits, CALL_SECONDS)
        except CellError as error:
            if any(word in str(error) for word in LATE) or REFUSED.search(str(error)):
                raise
            sleep(pause)
    return call(words, folder, log, limits, CALL_SECONDS)


def call(
    words: Sequence[str],
    folder: Path,
    log: Path,
    environment: Mapping[str, str] = AUTHOR,
    seconds: float | None = None,
) -> str:
    """What a git command prints; all else goes to the log. CellError with its last words if it fails.

    A call that takes more than `seconds` fails too.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    variables = {**inherited, **AUTHOR, **environment}
    start, clock, cpu = log.stat().st_size, monotonic(), _count_cpu_seconds()
    with log.open("ab") as file:
        output = subprocess.PIPE if words[0] == "git" else file
        try:
            process = subprocess.run(
                words, cwd=folder, env=variables, stdin=-3, stdout=output, stderr=file, check=False, timeout=seconds
            )
        except subprocess.TimeoutExpired as error:
            raise CellError(f"{' '.join(words[:5])} … did not end in {seconds} s") from error
        times = f"{monotonic() - clock:.1f} s, {_count_cpu_seconds() - cpu:.1f} s of CPU"
        file.write(f"{times}: {' '.join(words[:5])}\n".encode())
    if process.returncode:
        text = log.read_bytes()[start:].decode(errors="replace")
        raise CellError(f"{' '.join(words[:5])} … ended with {process.returncode}: {' '.join(text.split())[-600:]}")
    return (process.stdout or b"").decode()


def _count_cpu_seconds() -> float:
    """Of this process's children that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def redact(text: str) -> str:
    """`text` without the user names and passwords of URLs."""
    return PASSWORD.sub("***@", text)
