"""Makes sure that accelerate has started as many processes as its launch file says."""

from pathlib import Path


def require_processes(launch: Path) -> bool:
    """Whether this is the first process of all; ValueError where fewer or more run than `launch` asks for."""
    from accelerate import PartialState
    from ruamel.yaml import YAML

    state, asked = PartialState(), YAML(typ="safe").load(launch)["num_processes"]
    if state.num_processes != asked:
        raise ValueError(
            f"{launch} asks for {asked} processes, but {state.num_processes} run: start the stage with dvc repro, or "
            f"with python -m accelerate.commands.launch --config_file {launch} -m stages.finetune"
        )
    return bool(state.is_main_process)
