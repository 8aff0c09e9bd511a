"""Files (JSONL, JSON, CSV, Parquet; plain, .gz or .zst) → one record after the other, or why there is none."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import zstandard

BOM = b"\xef\xbb\xbf"
LONGEST_FIELD = 2**31 - 1  # csv's own limit is 128 KiB; long fields are for the cleaning to judge
BROKEN = (  # NotImplementedError: Arrow's, OverflowError: a date past the year 9999
    OSError, EOFError, ValueError, OverflowError, NotImplementedError, RecursionError, csv.Error, zlib.error,
    zstandard.ZstdError,
)  # fmt: skip


Found = tuple[object, str | None]


class SourceRecord(NamedTuple):
    """One record: its position over all files of the source, from 0; its value, or the reason why it has none."""

    row: int
    value: object
    reason: str | None = None


def read_files(path: str) -> Iterator[SourceRecord]:
    """The records of the file or the files (glob) at `path`, in the order of their names; never an error.

    A file that is missing or no table is one record with the reason.
    """
    files = [Path(path)] if Path(path).is_file() else _matching(Path(path))
    found = (each for file in files for each in _records(file))
    for row, (value, reason) in enumerate(found if files else [_none(f"no file at {path}")]):
        yield SourceRecord(row, value, reason)


def _matching(pattern: Path) -> list[Path]:
    root = Path(pattern.anchor or ".")
    below = pattern.relative_to(root)
    return sorted(root.glob(str(below))) if below.parts else []


def _records(path: Path) -> Iterator[Found]:
    packed = UNPACK.get(path.suffix.lower())
    suffix = (path.with_suffix("") if packed else path).suffix.lower()
    if suffix not in PARSE:
        yield _none(f"{path} is no table: a name must end in {', '.join(PARSE)}, and in .gz or .zst when packed")
        return
    try:
        data = path.read_bytes()
        yield from PARSE[suffix](packed(data) if packed else data)
    except BROKEN as error:
        yield _none(
            f"{path} is no {suffix[1:]} table, or not whole: {str(error).splitlines()[0] if str(error) else error!r}"
        )


def _jsonl(data: bytes) -> Iterator[Found]:
    return (_line(line) for line in data.removeprefix(BOM).split(b"\n") if line.strip())


def _line(line: bytes) -> Found:
    try:
        return json.loads(line.decode()), None
    except UnicodeDecodeError:
        return _none("is not UTF-8")
    except (ValueError, RecursionError) as error:
        return _none(f"is no JSON: {str(error).split(':')[0]}")


def _json(data: bytes) -> Iterable[Found]:
    """A list, {"data": a list}, or lines under another name, as many data sets have it."""
    data = data.removeprefix(BOM)
    try:
        whole = json.loads(data.decode())
    except ValueError:
        if data.lstrip().startswith(b"{") and _line(data.lstrip().split(b"\n", 1)[0])[1] is None:
            return _jsonl(data)
        raise
    listed = whole.get("data", whole) if isinstance(whole, dict) else whole
    return [(value, None) for value in (listed if isinstance(listed, list) else [listed])]


def _csv(data: bytes) -> Iterator[Found]:
    csv.field_size_limit(LONGEST_FIELD)
    text = io.StringIO(data.removeprefix(BOM).decode(errors="surrogateescape"), newline="")
    reader = csv.DictReader(text, strict=True)  # else a quote that nothing ends takes the rest for its field
    if reader.fieldnames:
        yield from iter(lambda: _next(reader), None)


def _next(reader: "csv.DictReader[str]") -> Found | None:
    """None at the end."""
    try:
        return _row(next(reader))
    except StopIteration:
        return None
    except csv.Error as error:
        return _none(f"is no CSV row: {error}")


def _row(record: dict[str, str]) -> Found:
    if None in record:
        return _none("has more fields than the header")
    try:
        "".join(value or "" for value in record.values()).encode()
    except UnicodeEncodeError:
        return _none("is not UTF-8")
    return record, None


def _parquet(data: bytes) -> Iterator[Found]:
    from pyarrow import parquet

    for batch in parquet.ParquetFile(io.BytesIO(data)).iter_batches(batch_size=1024):
        try:
            yield from [(value, None) for value in batch.to_pylist()]
        except UnicodeDecodeError:
            yield from (_alone(batch.slice(at, 1).to_pylist) for at in range(batch.num_rows))


def _alone(read: Callable[[], list[object]]) -> Found:
    try:
        return read()[0], None
    except UnicodeDecodeError:
        return _none("is not UTF-8")


def _unzst(data: bytes) -> bytes:
    """Every frame to its end: the library's own reader takes a truncated one for a short one."""
    whole = []
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        whole.append(frame.decompress(data))
        if not frame.eof:
            raise EOFError("the file ends in the middle of a zstd frame")
        data = frame.unused_data
    return b"".join(whole)


def _none(reason: str) -> Found:
    return None, reason


PARSE: dict[str, Callable[[bytes], Iterable[Found]]] = {
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".json": _json,
    ".csv": _csv,
    ".parquet": _parquet,
}
UNPACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".zst": _unzst,
}
