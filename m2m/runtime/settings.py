"""The settings that the commands of dvc.yaml name, such as @base.seed → flags with their values."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SETTINGS_FILE = Path("params.yaml")
COPIES_FOLDER = Path(".cache/whole")  # of settings and locks, as the last command found them whole
REFERENCE_SIGN = "@"  # before a setting's name in the commands of dvc.yaml


def read_arguments(words: Sequence[str], file: Path = SETTINGS_FILE) -> list[str]:
    """`words`, with settings of `file` in place of their names: `@base.seed` is a value, `@finetune` a block of flags.

    The values never reach a shell, as those of DVC's `${…}` do. ValueError for a setting that `file` does not have.

    >>> read_arguments(["out.json", "--seed", "1"])
    ['out.json', '--seed', '1']
    """
    if not any(word.startswith(REFERENCE_SIGN) for word in words):
        return list(words)
    from ruamel.yaml import YAML  # as DVC reads it: for PyYAML 1e-3 is a text and `no` a boolean

    return place_settings(words, YAML(typ="safe").load(file), str(file))


def place_settings(words: Sequence[str], settings: Any, source: str) -> list[str]:
    """`words` with `settings`, of the file `source`, in place of their names.

    >>> place_settings(["--seed", "@base.seed", "@band"], {"base": {"seed": 1}, "band": {"low": 10}}, "params.yaml")
    ['--seed=1', '--low=10']
    """
    arguments: list[str] = []
    for word in words:
        is_reference = word.startswith(REFERENCE_SIGN)
        value = _find_setting(settings, word.removeprefix(REFERENCE_SIGN), source) if is_reference else word
        if isinstance(value, Mapping):
            arguments += _list_flags(value, "--")
        elif is_reference and arguments and arguments[-1].startswith("--"):
            arguments[-1] += f"={value}"  # a value that begins with - is no flag
        else:
            arguments.append(str(value))
    return arguments


def write_command(command: str, settings: Any) -> str:
    """`command` with `settings` in place of their names, for people; one of before there were names stays as it is.

    >>> write_command("python -m stages.base --name @base.name", {"base": {"name": "my model"}})
    "python -m stages.base --name 'my model'"
    """
    if f" {REFERENCE_SIGN}" not in command:
        return command
    words = place_settings(command.split(), settings, "dvc.lock")
    return shlex.join(part for word in words for part in (word.split("=", 1) if word[:2] == "--" else [word]))


def _find_setting(settings: Any, name: str, source: str) -> Any:
    for key in name.split("."):
        if not isinstance(settings, Mapping) or key not in settings:
            raise ValueError(f"{source} has no setting {name}. Run python -m m2m check.")
        settings = settings[key]
    return settings


def _list_flags(block: Mapping[str, Any], prefix: str) -> list[str]:
    """A block's settings as flags: `--key=value`, `--block.key=value`, `--key item item`; nothing for an empty list."""
    flags: list[str] = []
    for key, value in block.items():
        if isinstance(value, Mapping):
            flags += _list_flags(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            flags += [f"{prefix}{key}", *map(str, value)] if value else []
        else:
            flags.append(f"{prefix}{key}={value}")
    return flags
