"""The files that settings name: all must be there before the first stage runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from m2m.data.records.read_files import list_files

FILES = ("measure.gamed", "measure.alpaca_eval", "target.examples")
LAUNCH_REMEDY = ", such as profiles/launch/cpu.yaml"


def require_named_files(settings: Mapping[str, Any], file: str = "params.yaml") -> None:
    """ValueError for the first file or folder that checked `settings` name and that is not there."""
    for name, path, hint in _list_named(settings):
        _, reason = list_files(Path(path))
        if reason:
            raise ValueError(f"{file}: {name} must be a file{hint}, got {path!r:.200}: {reason}. Correct it.")


def _list_named(settings: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Setting, path, and what a file may be."""
    yield "launch", settings["launch"], LAUNCH_REMEDY
    for name in FILES:
        block, key = name.split(".")
        if settings[block][key] is not None:
            yield name, settings[block][key], ""
    for block in ("ingest", "benchmark"):
        for name, source in settings[block]["sources"].items():
            for key in ("path", "answers"):
                if source.get("kind") == "files" and source.get(key):
                    yield f"{block}.sources.{name}.{key}", source[key], ", a folder or a pattern"
