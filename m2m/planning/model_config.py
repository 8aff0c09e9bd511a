"""Finds the config.json of a model on this disk; nothing is fetched."""

from pathlib import Path
from typing import Any

from m2m.runtime.records import read_json


def read_model_config(name: str, revision: str) -> dict[str, Any]:
    """Of a folder, or of a hub id whose config.json was fetched before. OSError when there is none."""
    if Path(name).is_dir():
        return read_json(Path(name) / "config.json")
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(name, "config.json", revision=revision)
    if not isinstance(found, str):
        raise OSError(
            f"the size of {name} at revision {revision} is not known here: run hf download {name} config.json "
            f"--revision {revision}, or put a folder in base.name"
        )
    return read_json(Path(found))
