"""Calls of Slurm's commands, which wait while its controller is away."""

import os
import subprocess
from collections.abc import Sequence

from m2m.grid.machines.patience import RemoteAway, wait_while_away

# "Unable to contact slurm controller", "Communication connection failure", "Socket timed out on send/recv operation"
AWAY = ("ontact slurm", "ommunication connection", "timed out")
OPTIONS = ("SLURM_", "SQUEUE_", "SCANCEL_")  # begin variables of an allocation or a person that would be options
QUEUE_REMEDY = "Queued cells stay: run the same command again when it is back."


def ask_slurm(*words: str) -> str:
    """What a command of Slurm prints. ValueError where Slurm refuses it, RemoteAway after ten minutes."""
    return wait_while_away(lambda: call_slurm(words), QUEUE_REMEDY)


def submit_array(name: str, *words: str) -> str:
    """Submit the array of jobs `name` with sbatch, once even if its answer is lost on the way; the array's number."""

    def submit() -> str:
        queued = call_slurm(("squeue", "--me", "--noheader", f"--name={name}", "--format=%F")).split()
        return queued[0] if queued else call_slurm(("sbatch", "--parsable", f"--job-name={name}", *words))

    return wait_while_away(submit, QUEUE_REMEDY).split(";")[0].strip()


def call_slurm(words: Sequence[str]) -> str:
    """What a command of Slurm prints. RemoteAway without a controller, ValueError where Slurm refuses."""
    process = subprocess.run(words, capture_output=True, text=True, check=False, env=_drop_options())
    reason = " ".join(process.stderr.split())
    if process.returncode and any(word in reason for word in AWAY):
        raise RemoteAway(f"Slurm's controller does not answer {words[0]} ({reason})")
    if process.returncode:
        raise ValueError(f"{words[0]} refused: {reason}. Change the options in --sbatch.")
    return process.stdout


def read_largest_array() -> int:
    """How many cells an array of Slurm's may have: indices go from 0 to MaxArraySize - 1."""
    lines = [line.split() for line in ask_slurm("scontrol", "show", "config").splitlines()]
    return max(1, next(int(words[2]) for words in lines if words[:1] == ["MaxArraySize"]))


def _drop_options() -> dict[str, str]:
    """The environment without what would be options of Slurm's commands, but for the place of its configuration."""
    return {name: value for name, value in os.environ.items() if name == "SLURM_CONF" or not name.startswith(OPTIONS)}
