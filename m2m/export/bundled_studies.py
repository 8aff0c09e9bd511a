"""Finds the studies that come with the project: beside the code in a checkout, inside the package where installed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from m2m.runtime.artifacts import read_json

ROOM = Path(__file__).parent
STUDIES = {"default": "study.json", "development pool": "development/study.json"}


def read_bundled_studies() -> dict[str, Mapping[str, Any]]:
    """The studies by name; none where neither place has them."""
    folders = (ROOM / "bundled", ROOM.parents[1] / "metrics")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    return {name: read_json(folder / file) for name, file in STUDIES.items() if (folder / file).exists()}
