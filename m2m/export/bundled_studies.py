"""Finds the studies that come with the project: beside the code in a checkout, inside the package where installed."""

from pathlib import Path

from m2m.schemas.study import Study
from m2m.study.study_file import read_study

ROOM = Path(__file__).parent
STUDIES = {"default": "study.json", "development pool": "development/study.json"}


def read_bundled_studies() -> dict[str, Study]:
    """The studies by name; none where neither place has them."""
    folders = (ROOM / "bundled", ROOM.parents[1] / "metrics")
    folder = next((folder for folder in folders if folder.is_dir()), folders[0])
    return {name: read_study(folder / file) for name, file in STUDIES.items() if (folder / file).exists()}
