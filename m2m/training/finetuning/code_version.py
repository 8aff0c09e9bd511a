"""Identifies the code behind a module: a hash of each file that it imports, and the versions of other packages."""

import ast
import hashlib
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def identify_code(module: str, root: Path) -> dict[str, str]:
    """The hash of `module`'s file and of every file of its package that it imports, directly or through others.

    `root` is the folder with the package: a repository, a queue's copy of it, or site-packages. Files are read and
    never run; imports inside functions count too. Of other packages, but the standard library, the version counts.
    """
    package, waiting = module.partition(".")[0], {module}
    identities: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        if name.partition(".")[0] != package:
            identities[name.partition(".")[0]] = _find_version(name.partition(".")[0])
        elif (path := root.joinpath(*name.split(".")).with_suffix(".py")).is_file():
            source = path.read_bytes()
            identities[name] = hashlib.sha256(source).hexdigest()
            waiting |= {imported for imported in list_imports(source) if imported not in identities}
    return identities


def list_imports(source: bytes) -> Iterator[str]:
    """Every module that `source` imports, and every name that it imports from one, but the standard library's.

    ValueError for a relative import, whose module the text alone does not say.

    >>> sorted(list_imports(b"import os, torch.nn\\ndef f():\\n    from m2m.text import tokenize"))
    ['m2m.text', 'm2m.text.tokenize', 'torch.nn']
    """
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.module is None or node.level:
                raise ValueError(f"line {node.lineno}: a relative import: write the full name of the module")
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if name.partition(".")[0] not in sys.stdlib_module_names)


def _find_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # its distribution has another name
        return ""
