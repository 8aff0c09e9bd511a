"""The pages of docs/reference that are generated: these from --help, params.yaml and profiles, others from the code."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

from docs.code_pages import make_errors_page, make_modules_page, make_outputs_page, make_tables_page
from docs.markdown import build_page, format_code, text_table

SETTING = re.compile(r"^(?P<indent> *)(?P<name>[\w-]+):(?: (?P<value>[^#].*?))?(?: # (?P<meaning>.*))?$")
LISTED = 4  # items of a list that are shown


def make_reference_pages() -> dict[str, str]:
    """File name → Markdown."""
    return {
        "cli.md": make_command_line_page(),
        "settings.md": make_settings_page(),
        "profiles.md": make_profiles_page(),
        "tables.md": make_tables_page(),
        "outputs.md": make_outputs_page(),
        "modules.md": make_modules_page(),
        "errors.md": make_errors_page(),
    }


def list_commands() -> list[str]:
    """The commands of `python -m m2m`: one module each."""
    names = (path.stem.replace("_", "-") for path in Path("m2m/commands").glob("*.py") if path.stem != "__init__")
    return sorted(names)


def read_helps(names: Sequence[str]) -> dict[str, str]:
    """What `python -m m2m NAME --help` prints, at 80 columns."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return dict(zip(names, threads.map(_help_text, names), strict=True))


def make_command_line_page() -> str:
    """Every command's --help."""
    texts = read_helps(["", *list_commands()])
    parts = [f"## {name or 'python -m m2m'}\n\n```text\n{text}\n```" for name, text in texts.items()]
    about = "Source: `m2m/commands/`. In a checkout write `python -m m2m`; where the package is installed, `m2m`."
    return build_page("Command line", about, *parts)


def make_settings_page() -> str:
    """params.yaml as one table per block."""
    blocks: list[tuple[str, str, list[list[str]]]] = []
    path: list[str] = []
    for line in Path("params.yaml").read_text().splitlines():
        if item := re.match(r" *- (.+)", line):
            blocks[-1][2][-1][1] = _listed(blocks[-1][2][-1][1], item[1])
        if not (setting := SETTING.match(line)):
            continue
        path = [*path[: len(setting["indent"]) // 2], setting["name"]]
        value, meaning = format_code(setting["value"] or ""), (setting["meaning"] or "").replace("|", "\\|")
        if len(path) == 1:
            blocks.append((path[0], meaning, []))
        if len(path) > 1 or value:
            blocks[-1][2].append([f"`{'.'.join(path[1:] or path)}`", value, meaning])
    parts = [
        f"## {name}\n\n{meaning[:1].upper()}{meaning[1:]}.\n\n{text_table(('setting', 'default', 'meaning'), rows)}"
        for name, meaning, rows in blocks
    ]
    about = "Source: `params.yaml`. Each block belongs to the stage of that name, unless it says otherwise."
    return build_page("Settings", about, *parts)


def make_profiles_page() -> str:
    """Each profile's purpose and content."""
    parts = []
    for path in sorted(Path("profiles").glob("*.yaml")):
        purpose, text = path.read_text().split("\n", 1)
        parts.append(f"## {path.stem}\n\n{purpose.removeprefix('# ')}\n\n```yaml\n{text.rstrip()}\n```")
    about = "Source: `profiles/`. `python -m m2m use NAME` writes a profile's settings over `params.yaml`."
    return build_page("Profiles", about, *parts)


@cache
def _help_text(name: str) -> str:
    """With the help of its subcommands, if it has any."""
    text = _run_help(name)
    subcommands = re.search(r"^usage: .*\[-h\] \{([\w,]+)\}$", text, re.MULTILINE)
    names = subcommands[1].split(",") if name and subcommands else []
    return "\n\n".join([text, *(_run_help(f"{name} {subcommand}") for subcommand in names)])


def _run_help(name: str) -> str:
    environment = os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "m2m", *name.split(), "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=True)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def _listed(items: str, item: str) -> str:
    """One more item of a list; a long list is cut."""
    if items.endswith("…"):
        return items
    return f"{items} …" if len(items.split()) == LISTED else f"{items} {format_code(item)}".strip()
