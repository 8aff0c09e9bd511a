"""Reads accelerate's launch file: how many GPUs it takes, and whether as many processes run as it says."""

import sys
from pathlib import Path
from typing import Any


def count_gpus(launch: Path) -> int:
    """How many GPUs of this machine a training takes: one a process, and one on the CPU too, for what else runs there.

    ValueError where `launch` asks for several machines, which no queue of this one can start.
    """
    written = _read(launch)
    machines = written.get("num_machines", 1)
    if machines != 1:
        raise ValueError(
            f"{launch} asks for {machines} machines, but the grid's cells run on this one: "
            "set launch to a file of one machine"
        )
    return 1 if written["use_cpu"] else int(written["num_processes"])


def require_processes(launch: Path) -> bool:
    """Join the processes; whether this is the first; ValueError where `launch` asks for others, or a GPU in vain."""
    import torch
    from accelerate import PartialState

    written = _read(launch)
    if not written["use_cpu"] and not torch.cuda.is_available():
        raise ValueError(f"{launch} asks for a GPU, but there is none: set launch to profiles/launch/cpu.yaml")
    if written["use_cpu"] and torch.cuda.is_available():
        print(
            f"warning: {launch} trains on the CPU, though there is a GPU: set launch to profiles/launch/gpu.yaml",
            file=sys.stderr,
        )
    asked = written["num_processes"]
    if asked == 1 and not written["use_cpu"] and torch.cuda.device_count() > 1:
        raise ValueError(
            f"{launch} asks for one GPU, but {torch.cuda.device_count()} are visible: set CUDA_VISIBLE_DEVICES to one "
            "of them, or launch to profiles/launch/fsdp.yaml"
        )
    state = PartialState(cpu=written["use_cpu"])
    if state.num_processes != asked:
        raise ValueError(
            f"{launch} asks for {asked} processes, but {state.num_processes} run: start the stage with dvc repro, or "
            f"with python -m accelerate.commands.launch --config_file {launch} -m stages.finetune"
        )
    return bool(state.is_main_process)


def _read(launch: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML

    written: dict[str, Any] = YAML(typ="safe").load(launch) or {}
    if lacking := [name for name in ("use_cpu", "num_processes") if name not in written]:
        raise ValueError(
            f"{launch} does not say {' and '.join(lacking)}: add it, or write the file anew with "
            f"python -m accelerate.commands.accelerate_cli config --config_file {launch}"
        )
    return written
