"""Installed packages → the docstrings of their public objects, read from the source files; nothing is imported."""

import ast
import gc
import inspect
import warnings
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import polars as pl

from m2m.parallel import map_parallel

NOT_DOCUMENTATION = {
    *("test", "tests", "testing", "conftest", "benchmarks", "asv_bench", "__main__"),
    *("vendor", "_vendor", "vendored", "_vendored_packages", "extern", "_extern", "externals", "third_party"),
}
PROPERTIES = {"property", "cached_property", "cache_readonly", "hybrid_property", "memoized_property", "setter"}
DOCSTRING_COLUMNS = {"name": pl.String, "kind": pl.String, "text": pl.String}


class Docstring(NamedTuple):
    """The docstring of one public object, dedented."""

    name: str
    kind: str
    text: str


def read_docstrings(packages: Iterable[str]) -> pl.DataFrame:
    """Columns name, kind (module, class, function, property), text; one row a name and one a text, sorted by name.

    A name is written as people import it: private parts of the path are left out (`scipy.optimize.minimize`, though
    it stands in `_minimize.py`). Tests, vendored code and private objects are skipped. Where several objects have one
    name the longest docstring stays, where several have one text (inherited copies) the first name. ValueError names
    a package that is not installed.
    """
    files = [file for package in sorted(set(packages)) for file in list_source_files(package)]
    parsed = map_parallel(parse_docstrings, files, "docstrings: files")
    table = pl.DataFrame(
        [docstring for docstrings in parsed for docstring in docstrings], schema=DOCSTRING_COLUMNS, orient="row"
    )
    longest = table.sort("name", pl.col("text").str.len_chars(), "text", descending=[False, True, False])
    return longest.unique("name", keep="first", maintain_order=True).unique("text", keep="first", maintain_order=True)


def list_source_files(package: str) -> list[tuple[Path, str]]:
    """The Python files of `package` that document it, each with its dotted public name, sorted by path."""
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ValueError(f"packages must be installed top-level packages, got {package!r}: install it or leave it out")
    folders = [Path(folder) for folder in spec.submodule_search_locations]
    files = [(file, file.relative_to(folder.parent)) for folder in folders for file in folder.rglob("*.py")]
    return [(file, _public(path)) for file, path in sorted(files, key=lambda pair: pair[1].as_posix()) if _wanted(path)]


def _wanted(path: Path) -> bool:
    names = path.with_suffix("").parts
    return NOT_DOCUMENTATION.isdisjoint(names) and not any(name.startswith("test_") for name in names)


def _public(path: Path) -> str:
    package, *inner = path.with_suffix("").parts
    return ".".join([package, *(name for name in inner if not name.startswith("_"))])


def parse_docstrings(file: tuple[Path, str]) -> list[Docstring]:
    """The docstrings of one (path, public module name); none for a file that this Python cannot parse."""
    path, module = file
    source = path.read_bytes()
    if b'"""' not in source and b"'''" not in source:
        return []
    tree = _tree(source)
    if tree is None:
        return []
    return [Docstring(module, "module", text) for text in _text(tree)] + list(_objects(tree, module))


def _tree(source: bytes) -> ast.Module | None:
    gc.disable()  # a tree has no cycles: looking for them took a quarter of the time
    try:
        with warnings.catch_warnings(action="ignore"):  # other people's invalid escapes
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    finally:
        gc.enable()


def _objects(scope: ast.Module | ast.ClassDef, prefix: str) -> Iterator[Docstring]:
    for node in scope.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        name = f"{prefix}.{node.name}"
        for text in _text(node):
            yield Docstring(name, _kind(node), text)
        if isinstance(node, ast.ClassDef):
            yield from _objects(node, name)


def _text(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    text = inspect.cleandoc(ast.get_docstring(node, clean=False) or "").strip()
    return [text] if text and _encodable(text) else []


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def _kind(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.ClassDef):
        return "class"
    names = {name for mark in node.decorator_list for name in ast.unparse(mark).split(".")}
    return "function" if names.isdisjoint(PROPERTIES) else "property"
