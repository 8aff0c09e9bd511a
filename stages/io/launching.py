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
