"""Reads and writes params.yaml and the profiles that are laid over it; comments, quotes and line breaks stay."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

PROFILES = Path("profiles")
NULL = "tag:yaml.org,2002:null"  # written as null: an empty place reads like a mistake
LIKE = "like"  # a profile's first line may name another that it goes on from


def read_settings(path: Path) -> Any:
    """The blocks of the YAML file at `path`, with their comments. OSError or ValueError when it holds none."""
    try:
        found = _yaml().load(path.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise ValueError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path} must hold blocks of settings, got {type(found).__name__}")
    return found


def write_settings(path: Path, settings: Any) -> None:
    """Write what `read_settings` gave; an empty line stands before every block."""
    text = StringIO()
    _yaml().dump(settings, text)
    path.write_text(re.sub(r"(?<=[^\n])\n(?=\w)", "\n\n", text.getvalue()), encoding="utf-8")


def read_profile(name: str) -> list[Any]:
    """The settings to lay over params.yaml for profile `name`, one after the other: first those that it is `like`."""
    if name not in list_profiles():
        raise ValueError(f"{name!r} is no profile; there are: {', '.join(list_profiles())}")
    settings = read_settings(PROFILES / f"{name}.yaml")
    earlier = read_profile(settings.pop(LIKE)) if LIKE in settings else []
    return [*earlier, settings]


def list_profiles() -> dict[str, str]:
    """Every profile, and what it is for: the comment on its first line."""
    files = sorted(PROFILES.glob("*.yaml"))
    return {file.stem: file.read_text(encoding="utf-8").split("\n")[0].lstrip("# ") for file in files}


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 2**16  # DVC and this project keep a comment on the line of its setting, however long
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), lambda write, _: write.represent_scalar(NULL, "null"))
    return yaml
