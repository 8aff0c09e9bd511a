"""Finds the folder for files that outlive a run: caches, checkpoints, tracking."""

import os
from pathlib import Path


def find_project_root() -> Path:
    """The repository of the person, also where DVC's queue runs a copy of it elsewhere."""
    return Path(os.environ.get("DVC_ROOT", ".")).resolve()
