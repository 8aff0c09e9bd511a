"""Apply a profile to params.yaml: the paper's settings, your own model, an ablation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from m2m.grid.params.profiles import SettingChange

PARAMS = Path("params.yaml")


def main(name: str = "", /, *, show: Annotated[bool, tyro.conf.arg(name="list")] = False) -> None:
    """Change the settings that profile NAME lists, keep all others, and print the changes.

    Profiles add up: `use paper-10k`, then `use llama3-8b`. A profile that lists sources replaces yours, so apply
    profiles first and name your own pool and model afterwards.

    Args:
        name: A profile, profiles/NAME.yaml. Without a name, the profiles are listed.
        show: List the profiles and their purposes.
    """
    from m2m.grid.params.known_settings import check_settings
    from m2m.grid.params.params_file import list_profiles, read_profile, read_settings, write_settings
    from m2m.grid.params.profiles import apply_profiles

    if show or not name:
        purposes = list_profiles()
        print(*(f"{profile:<{max(map(len, purposes))}}  {text}" for profile, text in purposes.items()), sep="\n")
        return
    settings = read_settings(PARAMS)
    check_settings(settings)
    undo = _describe_undo()
    changes = apply_profiles(settings, *read_profile(name))
    check_settings(settings, f"params.yaml with profile {name}")
    if not changes:
        print(f"params.yaml already has the settings of {name}; nothing changed")
        return
    write_settings(PARAMS, settings)
    width = max(len(change.name) for change in changes)
    print(*(_format_change(change, width) for change in changes), sep="\n")
    print(f"{len(changes)} settings of params.yaml changed. {undo}")


def _describe_undo() -> str:
    """How to undo the change. Git restores the previous params.yaml only if all of it is committed."""
    import subprocess

    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", str(PARAMS)], capture_output=True, check=False)
    if changed.returncode:
        return "params.yaml had uncommitted changes: to undo, set these values back by hand."
    return "To undo: git restore params.yaml"


def _format_change(change: "SettingChange", width: int) -> str:
    return f"{change.name:<{width}}  {_format_value(change.before)} → {_format_value(change.after)}"


def _format_value(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, dict | list) else str(value)
