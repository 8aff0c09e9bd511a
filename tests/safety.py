"""Finds pickles by their bytes, whatever their names, and calls in a source: `python -m tests.safety data models`."""

import ast
import pickletools
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

NUMPY = b"\x93NUMPY"
LONGEST_HEADER = 4096
PROTOCOLS = b"\x80"  # the first byte of protocols 2 and later
OLD_STARTS = b"(]}cIFVSL"  # of protocols 0 and 1: a mark, a list, a mapping, a class, a number or a text


def find_pickles(folder: Path) -> list[Path]:
    """The files below `folder` that Python, NumPy or torch would unpickle."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and _is_pickle(path))


def list_calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call in `source` with the dotted name of what is called."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(LONGEST_HEADER)
    if start.startswith(NUMPY):
        return b"'|O'" in start
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith((".pkl", ".pickle")) for name in archive.namelist())
    if not start or not (start.startswith(PROTOCOLS) or start[0] in OLD_STARTS):
        return False
    try:
        return list(pickletools.genops(path.read_bytes()))[-1][0].name == "STOP"
    except Exception:  # whatever it stumbles over: it is no pickle to its end
        return False


def main() -> None:
    pickles = [path for folder in sys.argv[1:] for path in find_pickles(Path(folder))]
    print(*pickles, sep="\n")
    sys.exit(f"{len(pickles)} pickles" if pickles else 0)


if __name__ == "__main__":
    main()
