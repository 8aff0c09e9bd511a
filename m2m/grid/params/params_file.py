"""Reads and writes params.yaml and profiles, and keeps comments, quotes and line breaks."""

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from m2m.runtime.atomic_files import write_text

PROFILES = Path("profiles")
NULL = "tag:yaml.org,2002:null"  # written as null: an empty value looks like a mistake
MEND = "Mend that place in an editor, or restore the file with `git restore`."
LIKE = "like"  # a profile may name another one that is applied before it


def read_settings(path: Path) -> Any:
    """The blocks of the YAML file at `path`, with their comments. OSError or ValueError if there are none."""
    try:
        settings = _yaml().load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        byte, place = error.object[error.start], error.start
        raise ValueError(f"{path} must be UTF-8, but has byte 0x{byte:02x} at {place}. {MEND}") from error
    except YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {' '.join(str(error).split())}. {MEND}") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{path} must hold blocks of settings, got {type(settings).__name__}. {MEND}")
    return settings


def write_settings(path: Path, settings: Any) -> None:
    """Write the result of `read_settings` at once, with an empty line before every block."""
    text = StringIO()
    _yaml().dump(settings, text)
    write_text(path, re.sub(r"(?<=[^\n])\n(?=\w)", "\n\n", text.getvalue()))


def read_profile(name: str, later: Sequence[str] = ()) -> list[Any]:
    """The settings of profile `name`, one mapping after the other, beginning with those of the profile it is `like`.

    `later` are the profiles that are like it. ValueError for a name that no profile has, or profiles in a circle.
    """
    if name not in list_profiles():
        raise ValueError(f"{name!r} is not a profile. Choose one of {', '.join(list_profiles())}.")
    path = PROFILES / f"{name}.yaml"
    settings = read_settings(path)
    if LIKE not in settings:
        return [settings]
    earlier = settings.pop(LIKE)
    if not isinstance(earlier, str) or earlier in (name, *later):
        raise ValueError(f"{path}: {LIKE} must name one profile, which is not like this one, got {earlier!r}. {MEND}")
    return [*read_profile(earlier, (name, *later)), settings]


def list_profiles() -> dict[str, str]:
    """The purpose of each profile, by name: the comment on its first line."""
    files = sorted(PROFILES.glob("*.yaml"))
    return {file.stem: file.read_text(encoding="utf-8").split("\n")[0].lstrip("# ") for file in files}


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 2**16  # DVC and this project keep a comment on the line of its setting, however long
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), lambda write, _: write.represent_scalar(NULL, "null"))
    return yaml
