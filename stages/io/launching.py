"""Makes sure that accelerate has started as many processes as its launch file says."""

from pathlib import Path


def require_processes(launch: Path) -> bool:
    """Join the processes; whether this is the first; ValueError where `launch` asks for others, or a GPU in vain."""
    import torch
    from accelerate import PartialState
    from ruamel.yaml import YAML

    written = YAML(typ="safe").load(launch)
    if not written["use_cpu"] and not torch.cuda.is_available():
        raise ValueError(f"{launch} asks for a GPU, but there is none: set launch to profiles/launch/cpu.yaml")
    state, asked = PartialState(cpu=written["use_cpu"]), written["num_processes"]
    if state.num_processes != asked:
        raise ValueError(
            f"{launch} asks for {asked} processes, but {state.num_processes} run: start the stage with dvc repro, or "
            f"with python -m accelerate.commands.launch --config_file {launch} -m stages.finetune"
        )
    return bool(state.is_main_process)
