"""The pages of docs/reference that are made from the code, params.yaml, dvc.yaml and the profiles."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pandera.polars as pa
import yaml

from docs.result_tables import markdown

SETTING = re.compile(r"^(?P<indent> *)(?P<name>[\w-]+):(?: (?P<value>[^#].*?))?(?: # (?P<meaning>.*))?$")
LISTED = 4  # items of a list that are shown
NOTE = "<!-- Made by `make docs`. Edit the source named below, not this page. -->"


def reference_pages() -> dict[str, str]:
    """File name → Markdown."""
    return {
        "cli.md": command_line(),
        "settings.md": settings(),
        "profiles.md": profiles(),
        "tables.md": tables(),
        "outputs.md": outputs(),
        "modules.md": modules(),
        "errors.md": errors(),
    }


def command_names() -> list[str]:
    """The commands of `python -m m2m`: one module each."""
    return sorted(path.stem for path in Path("m2m/commands").glob("*.py") if path.stem != "__init__")


def help_texts(names: Sequence[str]) -> dict[str, str]:
    """What `python -m m2m NAME --help` prints, at 100 columns."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return dict(zip(names, threads.map(_help_text, names), strict=True))


def command_line() -> str:
    """Every command's --help."""
    texts = help_texts(["", *command_names()])
    parts = [f"## {name or 'python -m m2m'}\n\n```text\n{text}\n```" for name, text in texts.items()]
    about = "Source: `m2m/commands/`. In a checkout write `python -m m2m`; where the package is installed, `m2m`."
    return _page("Command line", about, *parts)


def settings() -> str:
    """params.yaml as one table per block."""
    blocks: list[tuple[str, str, list[list[str]]]] = []
    path: list[str] = []
    for line in Path("params.yaml").read_text().splitlines():
        if item := re.match(r" *- (.+)", line):
            blocks[-1][2][-1][1] = _listed(blocks[-1][2][-1][1], item[1])
        if not (setting := SETTING.match(line)):
            continue
        path = [*path[: len(setting["indent"]) // 2], setting["name"]]
        value, meaning = _code(setting["value"] or ""), (setting["meaning"] or "").replace("|", "\\|")
        if len(path) == 1:
            blocks.append((path[0], meaning, []))
        if len(path) > 1 or value:
            blocks[-1][2].append([f"`{'.'.join(path[1:] or path)}`", value, meaning])
    parts = [
        f"## {name}\n\n{meaning[:1].upper()}{meaning[1:]}.\n\n{_text_table(('setting', 'default', 'meaning'), rows)}"
        for name, meaning, rows in blocks
    ]
    about = "Source: `params.yaml`. Each block belongs to the stage of that name, unless it says otherwise."
    return _page("Settings", about, *parts)


def profiles() -> str:
    """Each profile's purpose and content."""
    parts = []
    for path in sorted(Path("profiles").glob("*.yaml")):
        purpose, text = path.read_text().split("\n", 1)
        parts.append(f"## {path.stem}\n\n{purpose.removeprefix('# ')}\n\n```yaml\n{text.rstrip()}\n```")
    about = "Source: `profiles/`. `python -m m2m use NAME` writes a profile's settings over `params.yaml`."
    return _page("Profiles", about, *parts)


def tables() -> str:
    """Each pandera schema as a table of columns."""
    parts = []
    for path in sorted(Path("m2m/schemas").glob("*.py")):
        module = import_module(f"m2m.schemas.{path.stem}")
        for model in vars(module).values():
            if isinstance(model, type) and issubclass(model, pa.DataFrameModel) and model.__module__ == module.__name__:
                parts.append(_schema(model, module.__doc__ or ""))
    about = "Source: `m2m/schemas/`. Every table is checked against its schema when it is written and when it is read."
    return _page("Tables", about, *parts)


def outputs() -> str:
    """The files that each stage writes."""
    parts = []
    for file in ("dvc.yaml", "metrics/dvc.yaml"):
        rows = [
            (
                f"`{name}`",
                _module_line(Path(f"stages/{name}.py")),
                "<br>".join(f"`{path}`" for path in _outs(stage.get("do", stage))),
            )
            for name, stage in yaml.safe_load(Path(file).read_text())["stages"].items()
        ]
        parts.append(f"## {file}\n\n{_text_table(('stage', 'what it does', 'files it writes'), rows)}")
    about = "Source: `dvc.yaml` and `metrics/dvc.yaml`. `${…}` stands for a side, an arm or a strategy."
    return _page("Outputs", about, *parts)


def modules() -> str:
    """The first docstring line of every module, by room."""
    rooms: dict[str, list[tuple[str, str]]] = {}
    for path in sorted([*Path("stages").glob("*.py"), *Path("m2m").rglob("*.py")]):
        if path.stem != "__init__":
            room = "/".join(path.parts[:2]) if len(path.parts) > 2 else path.parts[0]
            rooms.setdefault(room, []).append((f"`{path.relative_to(room)}`", _module_line(path)))
    parts = [f"## {room}\n\n{_text_table(('module', 'what it does'), rows)}" for room, rows in rooms.items()]
    return _page("Modules", "Source: the first line of each module's docstring.", *parts)


def errors() -> str:
    """Every error message of the code, by room."""
    rooms: dict[str, list[str]] = {}
    for path in sorted([*Path("stages").glob("*.py"), *Path("m2m").rglob("*.py")]):
        room = "/".join(path.parts[:2]) if len(path.parts) > 2 else path.parts[0]
        messages = [text for text in _messages(ast.parse(path.read_text())) if len(text.replace("…", "").split()) > 3]
        rooms.setdefault(room, []).extend(f"- {_escaped(text)}" for text in messages)
    parts = [f"## {room}\n\n{chr(10).join(texts)}" for room, texts in rooms.items() if texts]
    about = (
        "Source: the code. A message holds the rule, the value and the remedy. `…` stands for a value. "
        "See also [troubleshooting](../how-to/troubleshooting.md)."
    )
    return _page("Errors", about, *parts)


def _help_text(name: str) -> str:
    environment = os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "m2m", *([name] if name else []), "--help"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8", check=True)
    return "\n".join(line.rstrip() for line in done.stdout.strip().splitlines())


def _schema(model: type[pa.DataFrameModel], about: str) -> str:
    rows = [
        (
            f"`{name}`",
            str(column.dtype) + (", nullable" if column.nullable else "") + (", unique" if column.unique else ""),
            _escaped(column.description or ""),
        )
        for name, column in model.to_schema().columns.items()
    ]
    text = " ".join([about.split("\n", 1)[0], *(model.__doc__ or "").split()])
    return f"## {model.__name__}\n\n{text}\n\n{_text_table(('column', 'type', 'meaning'), rows)}"


def _outs(stage: dict[str, Any]) -> Iterator[str]:
    for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
        yield next(iter(out)) if isinstance(out, dict) else out


def _module_line(path: Path) -> str:
    return _escaped((ast.get_docstring(ast.parse(path.read_text())) or "").split("\n", 1)[0])


def _messages(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            yield _template(node.exc.args[0])


def _template(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_template(value) for value in values)
        case _:
            return "…"


def _escaped(text: str) -> str:
    """`text` without Markdown of its own, but for code between backticks."""
    parts = text.split("`")
    return "`".join(part if at % 2 else re.sub(r"([|*_<{}\[\]])", r"\\\1", part) for at, part in enumerate(parts))


def _listed(items: str, item: str) -> str:
    """One more item of a list; a long list is cut."""
    if items.endswith("…"):
        return items
    return f"{items} …" if len(items.split()) == LISTED else f"{items} {_code(item)}".strip()


def _code(value: str) -> str:
    return f"`{value}`".replace("|", "\\|") if value else ""


def _text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown(header, rows).replace("---:", "---")


def _page(title: str, about: str, *parts: str) -> str:
    return "\n\n".join([NOTE, f"# {title}", about, *parts]) + "\n"
