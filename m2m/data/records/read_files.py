"""Files (JSON, JSONL, CSV, Parquet, Arrow; plain, .gz or .zst) → one record after the other, or why there is none."""

import csv
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from glob import has_magic
from itertools import takewhile
from pathlib import Path
from typing import BinaryIO, NamedTuple

import zstandard

from m2m.data.records.csv_records import read_csv
from m2m.data.records.json_records import ParsedRecord, read_json_records
from m2m.data.records.unpacking import (
    SAMPLE_BYTES,
    check_unpacked,
    detect_packing,
    explain_encoding,
    explain_foreign,
    get_byte_limit,
    open_unpacked,
    recode,
)

BROKEN = (  # OverflowError: a date past the year 9999; NotImplementedError and KeyError: Arrow's
    OSError, EOFError, ValueError, OverflowError, NotImplementedError, KeyError, RecursionError, csv.Error, zlib.error,
    zstandard.ZstdError,
)  # fmt: skip
ASKED_BYTES = re.compile(r"size (\d+)")  # in Arrow's error when it gets no memory
ARROW_FILE, ARROW_STREAM = b"ARROW1\0\0", b"\xff\xff\xff\xff"  # the first bytes of Arrow's two forms
BATCH_ROWS = 128  # of Parquet, at once
METADATA = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}  # of Hugging Face's folders


class SourceRecord(NamedTuple):
    """One record: its position over all files of the source, from 0; its value, or the reason why it has none."""

    row: int
    value: object
    reason: str | None = None
    file: str = ""  # the file's path below the folder or the fixed part of the pattern; its name where a file is named
    place: int = 0  # its position in the file, from 0


def read_files(path: str) -> Iterator[SourceRecord]:
    """The records of the file, the folder's files or the files (glob) at `path`, in the order of their names.

    Never an error: a file that is missing or no table is one record with the reason.
    """
    files, reason = list_files(Path(path))
    if reason:
        yield SourceRecord(0, None, reason)
    row, folder = 0, _find_folder(Path(path))
    for file in files:
        name = file.relative_to(folder).as_posix()
        for place, (value, reason) in enumerate(_read_file(file)):
            yield SourceRecord(row, value, reason, name, place)
            row += 1


def list_files(path: Path) -> tuple[list[Path], str | None]:
    """The files that `path` names, sorted, or why there are none."""
    if path.is_file():
        return [path], None
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _is_data(file))
        return files, None if files else f"no data file in folder {path}: name a file, or {_suggest_pattern(path)}"
    root = Path(path.anchor or ".")
    below = path.relative_to(root)
    files = sorted(file for file in root.glob(str(below)) if file.is_file()) if below.parts else []
    return files, None if files else f"no file at {path}"


def detect_ending(path: Path) -> str:
    """The ending for the name of a file that has none, by its contents: `.csv.gz`. What nothing marks counts as CSV."""
    try:
        with open_unpacked(path) as stream:
            sample = stream.read(SAMPLE_BYTES)
    except BROKEN:
        sample = b""
    return f"{_detect_kind(path, sample) or '.csv'}{detect_packing(path)}"


def _find_folder(path: Path) -> Path:
    """The folder that has all files which `path` names: for a pattern, its part before the first wildcard."""
    if path.is_dir():
        return path
    return path.parent if path.is_file() else Path(*takewhile(lambda part: not has_magic(part), path.parts[:-1]))


def _suggest_pattern(folder: Path) -> str:
    """A pattern that finds the first data file below `folder`, or an example of one."""
    below = next((file for file in sorted(folder.glob("*/*")) if _is_data(file)), None)
    return f"the files in its folders: {folder}/*/*{below.suffix}" if below else "a pattern such as **/*.jsonl"


def _is_data(file: Path) -> bool:
    suffixes = [suffix.lower() for suffix in file.suffixes[-2:]]
    is_hidden = file.name.startswith((".", "_")) or file.name in METADATA
    return file.is_file() and not is_hidden and any(suffix in ENDINGS for suffix in suffixes)


def _read_file(path: Path) -> Iterator[ParsedRecord]:
    kind = _detect_kind(path, b"")
    try:
        with open_unpacked(path) as stream:
            sample = stream.read(SAMPLE_BYTES)
        kind = _detect_kind(path, sample)
        encoding = "utf-8" if kind in BATCH_READERS else json.detect_encoding(sample)
        if reason := explain_foreign(sample) or (
            None if kind in BATCH_READERS or "-8" not in encoding else explain_encoding(sample)
        ):
            yield None, f"{path} {reason}"
        elif kind not in ENDINGS:
            yield None, f"{path} is no table: a name must end in {', '.join(ENDINGS)}, and in .gz or .zst when packed"
        else:
            yield from _read_kind(path, kind, encoding)
    except BROKEN as error:
        first = str(error).splitlines()[0] if str(error) else repr(error)
        yield None, f"{path} is no {kind[1:]}{' ' if kind else ''}table, or not whole: {first}"


def _detect_kind(path: Path, sample: bytes) -> str:
    """Parquet, Arrow and JSON by their first bytes, whatever the name; else the name's ending."""
    suffix = (path.with_suffix("") if path.suffix.lower() in {".gz", ".zst"} else path).suffix.lower()
    if sample.startswith(b"PAR1"):
        return ".parquet"
    if sample.startswith((ARROW_FILE, ARROW_STREAM)):
        return ".arrow"
    if suffix in ENDINGS:
        return suffix
    text = sample.decode(json.detect_encoding(sample), errors="replace").lstrip("\ufeff \t\r\n")
    return ".json" if text.startswith(("{", "[")) else suffix


def _read_kind(path: Path, kind: str, encoding: str) -> Iterator[ParsedRecord]:
    if detect_packing(path):
        check_unpacked(path)
    with open_unpacked(path) as stream:
        if kind in BATCH_READERS:
            yield from _read_batches(BATCH_READERS[kind](stream), get_byte_limit(path))
        else:
            yield from TEXT_READERS[kind](stream if encoding.startswith("utf-8") else recode(stream, encoding))


def _open_parquet(stream: BinaryIO) -> Iterator:  # type: ignore[type-arg]
    from pyarrow import parquet

    return parquet.ParquetFile(_make_seekable(stream)).iter_batches(batch_size=BATCH_ROWS)  # type: ignore[no-any-return]


def _open_arrow(stream: BinaryIO) -> Iterator:  # type: ignore[type-arg]
    """Both forms. Arrow trusts the offsets in a file: a damaged one would end the process."""
    from pyarrow import ipc

    file = _make_seekable(stream)
    is_file = file.read(len(ARROW_FILE)) == ARROW_FILE
    file.seek(0)
    if is_file:
        reader = ipc.open_file(file)
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
    else:
        batches = ipc.open_stream(file)
    for batch in batches:
        batch.validate(full=True)
        yield batch


def _make_seekable(stream: BinaryIO) -> BinaryIO:
    return stream if stream.seekable() else io.BytesIO(stream.read())


def _read_batches(batches: Iterator, limit: int) -> Iterator[ParsedRecord]:  # type: ignore[type-arg]
    """The rows of `batches`. ValueError beyond `limit` bytes: repeated values are small in a file, huge in memory."""
    size = 0
    for batch in _refuse_huge_blocks(batches, limit):
        size += batch.nbytes
        if size > limit:
            raise ValueError(f"it expands to more than {limit:,} bytes: write it without compression if that is right")
        try:
            yield from ((value, None) for value in batch.to_pylist())
        except UnicodeDecodeError:
            yield from (_read_slice(batch.slice(index, 1).to_pylist) for index in range(batch.num_rows))


def _refuse_huge_blocks(batches: Iterator, limit: int) -> Iterator:  # type: ignore[type-arg]
    """`batches`; ValueError where a damaged file names a block beyond `limit` bytes, for which there is no memory."""
    try:
        yield from batches
    except MemoryError as error:
        size = ASKED_BYTES.search(str(error))
        if size and int(size[1]) > limit:
            raise ValueError(f"it names a block of {int(size[1]):,} bytes, more than {limit:,}") from error
        raise


def _read_slice(read: Callable[[], list[object]]) -> ParsedRecord:
    try:
        return read()[0], None
    except UnicodeDecodeError:
        return None, "is not UTF-8"


TEXT_READERS: dict[str, Callable[[BinaryIO], Iterator[ParsedRecord]]] = {
    ".jsonl": lambda stream: read_json_records(stream, is_lines=True),
    ".ndjson": lambda stream: read_json_records(stream, is_lines=True),
    ".json": lambda stream: read_json_records(stream, is_lines=False),
    ".csv": read_csv,
    ".tsv": read_csv,
}
BATCH_READERS: dict[str, Callable[[BinaryIO], Iterator]] = {  # type: ignore[type-arg]
    ".parquet": _open_parquet,
    ".arrow": _open_arrow,
}
ENDINGS = (*TEXT_READERS, *BATCH_READERS)
