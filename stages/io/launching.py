"""Makes sure that accelerate has started as many processes as its launch file says."""

from pathlib import Path


def require_processes(launch: Path) -> bool:
    """Join the processes; whether this is the first of all; ValueError where others run than `launch` asks for."""
    import torch
    from accelerate import PartialState
    from ruamel.yaml import YAML

    written = YAML(typ="safe").load(launch)
    state, asked = PartialState(cpu=written["use_cpu"] or not torch.cuda.is_available()), written["num_processes"]
    if state.num_processes != asked:
        raise ValueError(
            f"{launch} asks for {asked} processes, but {state.num_processes} run: start the stage with dvc repro, or "
            f"with python -m accelerate.commands.launch --config_file {launch} -m stages.finetune"
        )
    return bool(state.is_main_process)
