"""Finds pickles and secrets in files by their bytes, and calls in a source: `python -m tests.safety data models`."""

import ast
import pickletools
import sqlite3
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import polars as pl

NUMPY = b"\x93NUMPY"
PARQUET, SQLITE = b"PAR1", b"SQLite format 3"
TEXTS = (pl.String, pl.List(pl.String))  # types of columns
LONGEST_HEADER = 4096
PROTOCOLS = b"\x80"  # the first byte of protocols 2 and later
OLD_STARTS = b"(]}cIFVSL"  # of protocols 0 and 1: a mark, a list, a mapping, a class, a number or a text


def find_pickles(folder: Path) -> list[Path]:
    """The files below `folder` that Python, NumPy or torch would unpickle."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and _is_pickle(path))


def find_secrets(folder: Path, spellings: Sequence[str]) -> list[tuple[Path, str]]:
    """Each file below `folder` that holds one of `spellings`, also packed: in a table, a database, an object of git."""
    files = ((path, _unpack(path)) for path in sorted(folder.rglob("*")) if path.is_file())
    return [(path, spelling) for path, raw in files for spelling in spellings if spelling.encode() in raw]


def list_calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call in `source` with the dotted name of what is called."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _unpack(path: Path) -> bytes:
    """The bytes of a file, and beside them the texts that are packed in it."""
    raw = path.read_bytes()
    if raw.startswith(PARQUET):
        columns = [column for column in pl.read_parquet(path).iter_columns() if column.dtype in TEXTS]
        texts = [text for column in columns for text in (column.explode() if column.dtype.is_nested() else column)]
        return raw + "\n".join(filter(None, texts)).encode("utf-8", "replace")
    if raw.startswith(SQLITE):  # a long text stands in more than one page
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return raw + "\n".join(database.iterdump()).encode("utf-8", "replace")
    try:
        return raw + zlib.decompress(raw)
    except zlib.error:
        return raw


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
