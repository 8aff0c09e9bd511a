"""Writes the code part of every `deps` in dvc.yaml and metrics/dvc.yaml from what the stages import: `make deps`.

A folder stands for its files where the stage imports all of them, so that DVC hashes it in one; any other code is
declared by file. `__init__.py` files are empty and are not declared. `python -m tests.deps --check` changes nothing.
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grimp
from ruamel.yaml import YAML

PIPELINES = ("dvc.yaml", "metrics/dvc.yaml")
PACKAGES = ("stages", "m2m")


def list_code(root: Path, path: str) -> frozenset[str]:
    """The code files of a path, itself or those below it; none for a folder of data."""
    files = [root / path] if path.endswith(".py") else (root / path).rglob("*.py")
    return frozenset(str(file.relative_to(root)) for file in files if file.name[0] not in "._")


def list_imports(root: Path) -> dict[str, frozenset[str]]:
    """Every stage module and the code files that it runs: its own, and all that it imports, directly or not."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    stages = (f"stages.{file.stem}" for file in (root / "stages").glob("*.py") if file.name != "__init__.py")
    modules = {stage: {stage, *graph.find_upstream_modules(stage)} for stage in stages}
    return {
        stage: frozenset(file for name in names if (root / (file := f"{name.replace('.', '/')}.py")).is_file())
        for stage, names in modules.items()
    }


def fold(root: Path, code: frozenset[str], data: frozenset[str]) -> list[str]:
    """`code` as the largest folders that hold nothing else (but `data`), and the files that are left."""
    folders = sorted({str(folder) for file in code for folder in Path(file).parents if len(folder.parts) > 1})
    whole = [folder for folder in folders if _is_whole(root, folder, code, data)]
    largest = [folder for folder in whole if not any(folder.startswith(f"{other}/") for other in whole)]
    files = [file for file in code if not any(file.startswith(f"{folder}/") for folder in largest)]
    return sorted([*files, *largest], key=lambda path: (not path.startswith("stages/"), path))


def _is_whole(root: Path, folder: str, code: frozenset[str], data: frozenset[str]) -> bool:
    """A folder of one module is declared by file: a second one would change the folder, not the stage."""
    inside = list_code(root, folder)
    other = {str(path.relative_to(root)) for path in list_data(root / folder)}
    return len(inside) > 1 and inside <= code and all(file in data or str(Path(file).parent) in data for file in other)


def list_data(folder: Path) -> list[Path]:
    """What DVC hashes of a folder beside its code: prompts and templates, as .dvcignore allows them."""
    return [path for path in folder.rglob("*") if path.suffix in {".txt", ".html", ".css", ".js"}]


def is_code(root: Path, path: str) -> bool:
    """Whether a declared dep is code: a module, or a folder with modules (or one that is gone)."""
    inside = path.startswith(tuple(f"{package}/" for package in PACKAGES)) and "$" not in path
    suffix = Path(path).suffix
    return inside and (suffix == ".py" or (not suffix and (bool(list_code(root, path)) or not (root / path).exists())))


def list_paths(deps: list[Any]) -> list[str]:
    """Paths of a `deps` list, where an item may be a mapping of a path to its options."""
    return [str(next(iter(item))) if isinstance(item, Mapping) else str(item) for item in deps]


def rewrite(root: Path, text: str, imports: Mapping[str, frozenset[str]]) -> str:
    """The pipeline file `text` with its code deps as `imports` has them; all other lines stay as they are."""
    lines = text.splitlines(keepends=True)
    stages = list(YAML().load(text)["stages"].items())
    for name, declared in reversed(stages):  # from the end: the line numbers of those before stay true
        stage = declared.get("do", declared)
        module = re.search(r"-m (stages\.\w+)", str(stage["cmd"]))
        if module is None:
            continue
        if "deps" not in stage:
            raise SystemExit(f"stage {name} has no deps: add `deps:` with what it reads, then run make deps again")
        paths = list_paths(stage["deps"])
        code = {number for number, path in enumerate(paths) if is_code(root, path)}
        rows = [stage["deps"].lc.item(number)[0] for number in range(len(paths))]
        kept = {paths[number]: lines[rows[number]] for number in code}  # with the comment behind it
        indent = lines[rows[0]][: lines[rows[0]].index("-")]
        data = frozenset(path for number, path in enumerate(paths) if number not in code)
        wanted = fold(root, imports[module[1]], data)
        for number in sorted(code, reverse=True):
            del lines[rows[number]]
        first = rows[min(code, default=0)]
        lines[first:first] = [kept.get(path, f"{indent}- {path}\n") for path in wanted]
    return "".join(lines)


def main(*words: str) -> None:
    root = Path.cwd()
    imports = list_imports(root)
    texts = {name: (root / name).read_text(encoding="utf-8") for name in PIPELINES}
    stale = {name: new for name, text in texts.items() if (new := rewrite(root, text, imports)) != text}
    if stale and "--check" in words:
        raise SystemExit(f"code deps of {' and '.join(stale)} are not what the stages import: run make deps")
    for name, text in stale.items():
        (root / name).write_text(text, encoding="utf-8")
        print(f"{name}: code deps written from the imports")


if __name__ == "__main__":
    main(*sys.argv[1:])
