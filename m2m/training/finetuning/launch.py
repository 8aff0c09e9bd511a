"""Reads accelerate's launch file: starts its processes, checks that they are as many as it says, counts its GPUs."""

import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

PLAIN = {  # a launch file that says no more than this asks for one process without any launcher
    "compute_environment": "LOCAL_MACHINE",
    "distributed_type": "NO",
    "num_processes": 1,
    "num_machines": 1,
    "machine_rank": 0,
    "mixed_precision": "no",
}
SET_BY_LAUNCHER = "ACCELERATE_MIXED_PRECISION"  # in the environment of every process that accelerate starts


def divide_batch(batch_size: int, processes: int, accumulate: int) -> int:
    """The rows that a process takes at once; ValueError where a step cannot be divided among the processes."""
    rows_at_once, remainder = divmod(batch_size, processes * accumulate)
    if remainder or not rows_at_once:
        raise ValueError(
            f"finetune.batch_size {batch_size} must be a multiple of processes × accumulate, got "
            f"{processes} × {accumulate}: change one of them"
        )
    return rows_at_once


def start_processes(launch: Path, module: str) -> None:
    """Replace this process by `accelerate launch -m module` with its flags, unless `launch` asks for one plain process.

    That needs no launcher, whose imports take two seconds. A process that accelerate started goes on.
    """
    config = _read(launch)
    is_plain = all(name == "use_cpu" or PLAIN.get(name) == value for name, value in config.items())
    if is_plain or SET_BY_LAUNCHER in os.environ:
        return
    sys.stdout.flush()
    launcher = ["-m", "accelerate.commands.launch", "--quiet", "--config_file", str(launch), "-m", module]
    os.execv(sys.executable, [sys.executable, *launcher, *sys.argv[1:]])


def count_gpus(launch: Path) -> int:
    """How many GPUs of this machine a cell takes: one a process, and one for a training on the CPU, for other stages.

    ValueError where `launch` is for several machines, which no queue of this machine can start.
    """
    config = _read(launch)
    machines = config.get("num_machines", 1)
    if machines != 1:
        raise ValueError(
            f"{launch} is for {machines} machines, but the grid runs its cells on this machine: "
            "set launch to a file for one machine"
        )
    return 1 if config["use_cpu"] else int(config["num_processes"])


class Processes(NamedTuple):
    """What a launch file starts."""

    number: int  # on all machines together
    sharing: int  # how many share weights, gradients and moments: all with FSDP, else each has its own
    on_cpu: bool


def read_processes(launch: Path) -> Processes:
    """The processes that `launch` starts; ValueError where it does not say."""
    config = _read(launch)
    count = int(config["num_processes"])
    return Processes(count, count if config.get("distributed_type") == "FSDP" else 1, bool(config["use_cpu"]))


def require_processes(launch: Path) -> bool:
    """Join the processes; whether this is the first. ValueError where `launch` needs others, or a missing GPU."""
    import torch
    from accelerate import PartialState

    config = _read(launch)
    if not config["use_cpu"] and not torch.cuda.is_available():
        raise ValueError(f"{launch} needs a GPU, but there is none: set launch to profiles/launch/cpu.yaml")
    if config["use_cpu"] and torch.cuda.is_available():
        print(
            f"warning: {launch} trains on the CPU, though there is a GPU: set launch to profiles/launch/gpu.yaml",
            file=sys.stderr,
        )
    processes = config["num_processes"]
    if processes == 1 and not config["use_cpu"] and torch.cuda.device_count() > 1:
        raise ValueError(
            f"{launch} is for one GPU, but {torch.cuda.device_count()} are visible: set CUDA_VISIBLE_DEVICES to one "
            "of them, or launch to profiles/launch/fsdp.yaml"
        )
    state = PartialState(cpu=config["use_cpu"])
    if state.num_processes != processes:
        raise ValueError(
            f"{launch} is for {processes} processes, but {state.num_processes} run: set its distributed_type to "
            "MULTI_GPU, as in profiles/launch/cpu-2.yaml, since accelerate starts a single one for NO and MULTI_CPU"
        )
    return bool(state.is_main_process)


def _read(launch: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML

    config: dict[str, Any] = YAML(typ="safe").load(launch) or {}
    if missing := [name for name in ("use_cpu", "num_processes") if name not in config]:
        raise ValueError(
            f"{launch} must contain {' and '.join(missing)}: add it, or rewrite the file with "
            f"python -m accelerate.commands.accelerate_cli config --config_file {launch}"
        )
    return config
