"""Finds the folder for what must outlive a run: caches, checkpoints, tracking."""

import os
from pathlib import Path


def find_project_root() -> Path:
    """The repository that a person works in, also when DVC's queue runs a copy of it elsewhere."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()
