"""Lays a profile over params.yaml: `python -m m2m.commands.use paper-10k`; without a name it lists them."""

import subprocess
from pathlib import Path
from typing import Annotated

import tyro

from m2m.grid.params_file import list_profiles, read_profile, read_settings, write_settings
from m2m.grid.profiles import SettingChange, apply_profiles
from m2m.runtime.cli import run

PARAMS = Path("params.yaml")


def main(name: str = "", /, *, tell: Annotated[bool, tyro.conf.arg(name="list")] = False) -> None:
    """Change the settings that the profile NAME names and leave the others; what changed is told.

    Profiles add up: `use paper-10k`, then `use llama3-8b`. One that names sources puts them in the place of yours: lay
    profiles first, then name your own pool and model.

    Args:
        name: profiles/NAME.yaml
        tell: the profiles, and what each is for
    """
    if tell or not name:
        known = list_profiles()
        print(*(f"{profile:<{max(map(len, known))}}  {what}" for profile, what in known.items()), sep="\n")
        return
    settings = read_settings(PARAMS)
    back = _back()
    changes = apply_profiles(settings, *read_profile(name))
    if not changes:
        print(f"params.yaml is as {name} has it: nothing changed")
        return
    write_settings(PARAMS, settings)
    width = max(len(change.name) for change in changes)
    print(*(_line(change, width) for change in changes), sep="\n")
    print(f"{len(changes)} settings of params.yaml changed; {back}")


def _back() -> str:
    """The way back to what params.yaml is before the profile; git has that only where all of it is in a commit."""
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", str(PARAMS)], capture_output=True, check=False)
    if changed.returncode:
        return "the last commit has it otherwise than it was before: put those values back by hand"
    return "the way back: git restore params.yaml"


def _line(change: SettingChange, width: int) -> str:
    return f"{change.name:<{width}}  {_short(change.before)} → {_short(change.after)}"


def _short(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, dict | list) else str(value)


if __name__ == "__main__":
    run(main)
