"""The reference pages that are made from the code: tables, outputs, modules and errors."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pandera.polars as pa
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.markdown import build_page, escape, text_table


def make_tables_page() -> str:
    """Each schema of a table or a JSON record, as a table of its columns or fields."""
    parts = []
    for path in sorted(Path("m2m/schemas").glob("*.py")):
        module = import_module(f"m2m.schemas.{path.stem}")
        for model in vars(module).values():
            if isinstance(model, type) and model.__module__ == module.__name__:
                if issubclass(model, pa.DataFrameModel):
                    parts.append(_table_schema(model, module.__doc__ or ""))
                elif issubclass(model, BaseModel) and model.model_fields:
                    parts.append(_record_schema(model))
    about = "Source: `m2m/schemas/`. Every table is checked against its schema when it is written and when it is read."
    return build_page("Tables", about, *parts)


def make_outputs_page() -> str:
    """The files that each stage writes."""
    parts = []
    for file in ("dvc.yaml", "metrics/dvc.yaml"):
        rows = [
            (
                f"`{name}`",
                _module_line(Path(f"stages/{name.partition('-')[0]}.py")),
                "<br>".join(f"`{path}`" for path in _outs(stage.get("do", stage))),
            )
            for name, stage in yaml.safe_load(Path(file).read_text())["stages"].items()
        ]
        parts.append(f"## {file}\n\n{text_table(('stage', 'what it does', 'files it writes'), rows)}")
    about = "Source: `dvc.yaml` and `metrics/dvc.yaml`. `${…}` stands for a side, an arm or a strategy."
    return build_page("Outputs", about, *parts)


def make_modules_page() -> str:
    """The first docstring line of every module, by room."""
    rooms: dict[str, list[tuple[str, str]]] = {}
    for path in sorted([*Path("stages").glob("*.py"), *Path("m2m").rglob("*.py")]):
        if path.stem != "__init__":
            room = "/".join(path.parts[:2]) if len(path.parts) > 2 else path.parts[0]
            rooms.setdefault(room, []).append((f"`{path.relative_to(room)}`", _module_line(path)))
    parts = [f"## {room}\n\n{text_table(('module', 'what it does'), rows)}" for room, rows in rooms.items()]
    return build_page("Modules", "Source: the first line of each module's docstring.", *parts)


def make_errors_page() -> str:
    """Every error message of the code, by room."""
    rooms: dict[str, list[str]] = {}
    for path in sorted([*Path("stages").glob("*.py"), *Path("m2m").rglob("*.py")]):
        room = "/".join(path.parts[:2]) if len(path.parts) > 2 else path.parts[0]
        messages = [text for text in _messages(ast.parse(path.read_text())) if len(text.replace("…", "").split()) > 3]
        rooms.setdefault(room, []).extend(f"- {escape(text)}" for text in messages)
    parts = [f"## {room}\n\n{chr(10).join(texts)}" for room, texts in rooms.items() if texts]
    about = (
        "Source: the code. A message holds the rule, the value and the remedy. `…` stands for a value. "
        "See also [troubleshooting](../how-to/troubleshooting.md)."
    )
    return build_page("Errors", about, *parts)


def _table_schema(model: type[pa.DataFrameModel], about: str) -> str:
    rows = [
        (
            f"`{name}`",
            str(column.dtype) + (", nullable" if column.nullable else "") + (", unique" if column.unique else ""),
            escape(column.description or ""),
        )
        for name, column in model.to_schema().columns.items()
    ]
    text = " ".join([about.split("\n", 1)[0], *(model.__doc__ or "").split()])
    return f"## {model.__name__}\n\n{text}\n\n{text_table(('column', 'type', 'meaning'), rows)}"


def _record_schema(model: type[BaseModel]) -> str:
    rows = [
        (f"`{name}`", "" if field.is_required() else "optional", escape(_meaning(field)))
        for name, field in model.model_fields.items()
    ]
    text = " ".join((model.__doc__ or "").split())
    return f"## {model.__name__}\n\n{text}\n\n{text_table(('field', '', 'meaning'), rows)}"


def _meaning(field: FieldInfo) -> str:
    """The description of a field; of an optional one it stands inside the union."""
    nested = [part for option in get_args(field.annotation) for part in get_args(option) if isinstance(part, FieldInfo)]
    return next((part.description for part in (field, *nested) if part.description), "")


def _outs(stage: dict[str, Any]) -> Iterator[str]:
    for out in [*stage.get("outs", []), *stage.get("metrics", [])]:
        yield next(iter(out)) if isinstance(out, dict) else out


def _module_line(path: Path) -> str:
    return escape((ast.get_docstring(ast.parse(path.read_text())) or "").split("\n", 1)[0])


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
