"""What comes before a grid's first cell: what cells cannot reach is refused, and the stages that they share run."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from m2m.grid import dvc_experiments
from m2m.grid.gpu_locks import group_gpus, hold_free_gpus
from m2m.grid.params.params_file import read_settings
from m2m.runtime.settings import SETTINGS_FILE


def require_tracked_files() -> None:
    """ValueError for files that git does not track: the cells' copies of the repository would lack them."""
    if untracked := dvc_experiments.list_untracked_files():
        raise ValueError(
            f"git does not track {', '.join(untracked)}, so the cells' copies of the repository would lack it. "
            "Run git add (for data: dvc add, then git add the .dvc file and the .gitignore beside it)."
        )


def require_reachable_models(settings: dict[str, Any]) -> None:
    """ValueError for a model in a relative folder: a cell's copy of the repository would read it as a hub id."""
    models = {"embed.model": settings["embed"]["model"], "band.tokenizer": settings["band"]["tokenizer"]}
    if settings["judge"]["llm"] == "local":
        models["judge.endpoint.model"] = settings["judge"]["endpoint"]["model"]
    for setting, name in models.items():
        if Path(name).exists() and not Path(name).is_absolute():
            raise ValueError(f"{setting} must be an absolute path, got {name}. Cells run in copies of the repository.")


def require_same_settings(settings: dict[str, Any]) -> None:
    """ValueError if params.yaml has other settings than these, with which the grid began: its cells would too."""
    if read_settings(SETTINGS_FILE) != settings:
        raise ValueError(
            f"{SETTINGS_FILE} must stay as it is until the first cell is queued, and it was edited. "
            "Run the same command again."
        )


def run_shared_stages(names: Sequence[str], gpus_each: int, *, is_pulled: bool) -> None:
    """Run the stages that all cells share, on `gpus_each` GPUs if there are any; or pull what they made elsewhere."""
    groups = group_gpus(gpus_each)
    with hold_free_gpus(groups, 1) as free:
        if groups and not free:
            raise ValueError(
                f"This grid needs {gpus_each} free GPUs, and other grids use too many. Wait for them, or export "
                "CUDA_VISIBLE_DEVICES= to run without GPUs."
            )
        devices = {"CUDA_VISIBLE_DEVICES": free.devices} if free else {}
        subprocess.run(["dvc", "repro", *["--pull"] * is_pulled, *names], env=os.environ | devices, check=True)
