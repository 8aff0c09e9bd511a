"""JSON, one value a line or one for the data file → parsed values, each with the reason where it has none."""

import io
import json
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from m2m.data.records.json_list import MAX_LINE_BYTES, NOT_UTF_8, explain_json_error, iterate_list
from m2m.data.records.record_formats import RECORD_FIELDS

MAX_OBJECT_BYTES = (
    2**27
)  # of a file that is one object, which is parsed at once: 25 times as much where it is `{},{},…`
BOM = b"\xef\xbb\xbf"

ParsedRecord = tuple[object, str | None]


def read_json_records(stream: BinaryIO, is_lines: bool) -> Iterator[ParsedRecord]:
    """Values of `stream`: lines, a list, objects over several lines, or a container; the content decides which.

    `is_lines`: the name promises one value a line. Then a broken first line costs one record; else ValueError.
    """
    lines = _iterate_lines(stream)
    first = next(lines, None)
    if first is None:
        return iter(()) if is_lines else _fail("the file is empty")
    is_list = first.lstrip().startswith(b"[")
    if is_list and not is_lines:
        return ((value, None) for value in iterate_list(first, stream))
    value, reason = parse_line(first)
    if reason is None:
        return _read_lines(value, lines)
    if is_lines and not _is_start(first):
        return chain([(None, reason)], map(parse_line, lines))
    if is_list:
        return ((value, None) for value in iterate_list(first, stream))
    return _read_objects(first, stream, is_lines and first.strip() != b"{")


def parse_line(line: bytes) -> ParsedRecord:
    """The JSON value of one line, or why there is none."""
    if len(line) > MAX_LINE_BYTES:
        return None, f"is longer than {MAX_LINE_BYTES // 2**20} MiB"
    try:
        return json.loads(line.removesuffix(b"\n").decode()), None
    except UnicodeDecodeError:
        return None, "is not UTF-8"
    except json.JSONDecodeError as error:
        return None, f"is no JSON: {error.msg}"
    except (ValueError, RecursionError) as error:
        return None, f"is no JSON: {str(error).split(':')[0]}"


def unpack_container(value: object) -> list[object]:
    """The records of one JSON value: a list, a list under a key, records by number, columns, or a record alone.

    >>> unpack_container({"0": {"prompt": "a"}, "1": {"prompt": "b"}})
    [{'prompt': 'a'}, {'prompt': 'b'}]
    >>> unpack_container({"prompt": {"0": "a", "1": "b"}}) == unpack_container({"train": [{"prompt": t} for t in "ab"]})
    True
    """
    if not isinstance(value, dict):
        return value if isinstance(value, list) else [value]
    tables = {name: rows for name, rows in value.items() if _is_table(name, rows)}
    if len(tables) > 1:
        raise ValueError(f"it holds several lists of records ({', '.join(map(repr, tables))}): keep one list a file")
    if tables:
        return next(iter(tables.values()))
    return _unpack_numbered(value) or _unpack_columns(value) or [value]


def _is_table(name: str, rows: object) -> bool:
    if name == "data":  # also the turns of UltraChat, which are texts
        return isinstance(rows, list) and not all(isinstance(row, str) for row in rows)
    is_list = isinstance(rows, list) and bool(rows) and all(isinstance(row, dict) for row in rows)
    return is_list and name.lower() not in RECORD_FIELDS


def _unpack_numbered(value: dict[str, object]) -> list[object]:
    """pandas' orient="index" and "columns"."""
    inner = [cells for cells in value.values() if isinstance(cells, dict)]
    if not inner or len(inner) < len(value):
        return []
    if all(name.isdigit() for name in value):
        return list(inner)
    numbers = list(inner[0])
    if not all(number.isdigit() for number in numbers) or any(list(cells) != numbers for cells in inner):
        return []
    return [{name: cells[number] for name, cells in zip(value, inner, strict=True)} for number in numbers]


def _unpack_columns(value: dict[str, object]) -> list[object]:
    """Lists of equal length by column; turns hold mappings, columns do not."""
    columns = [cells for cells in value.values() if isinstance(cells, list)]
    if len(columns) < max(len(value), 2) or len({len(cells) for cells in columns}) > 1:
        return []
    if any(isinstance(cell, dict) for cells in columns for cell in cells):
        return []
    return [dict(zip(value, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _read_lines(first: object, lines: Iterator[bytes]) -> Iterator[ParsedRecord]:
    second = next(lines, None)
    if second is None:  # the only line may be the data file
        yield from ((value, None) for value in unpack_container(first))
        return
    yield first, None
    yield parse_line(second)
    yield from map(parse_line, lines)


def _is_start(line: bytes) -> bool:
    """Whether `line` may be the start of one JSON value, or hold several; else a file of lines is not read at once."""
    if len(line) > MAX_LINE_BYTES:
        return line.lstrip().startswith(b"[")
    try:
        text = line.decode().strip()
        json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text)
    except (UnicodeDecodeError, RecursionError):
        return False
    return True


def _read_objects(first: bytes, stream: BinaryIO, is_lines: bool) -> Iterator[ParsedRecord]:
    """A container, or objects one after the other; `is_lines`: lines where they are neither."""
    data = first + stream.read(MAX_OBJECT_BYTES)
    if len(data) > MAX_OBJECT_BYTES:
        if is_lines:
            return map(parse_line, chain(_iterate_lines(io.BytesIO(data + stream.readline())), _iterate_lines(stream)))
        return _fail(
            f"it is one JSON object of more than {MAX_OBJECT_BYTES // 2**20} MiB, or several over many lines: "
            "write one object a line, for example with `jq -c '.data[]'` or `jq -c .`"
        )
    try:
        values = _parse_values(data.decode())
    except (ValueError, RecursionError) as error:
        if is_lines:
            return map(parse_line, _iterate_lines(io.BytesIO(data)))
        return _fail(_explain(error))
    return ((value, None) for value in (unpack_container(values[0]) if len(values) == 1 else values))


def _parse_values(text: str) -> list[object]:
    """One JSON value, or several objects one after the other."""
    decoder, position = json.JSONDecoder(), 0
    values: list[object] = []
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        if values and not (isinstance(value, dict) and isinstance(values[0], dict)):
            raise json.JSONDecodeError("Extra data", text, position)
        values.append(value)
        while position < len(text) and text[position].isspace():
            position += 1
    return values


def _explain(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return explain_json_error(error)
    return NOT_UTF_8 if isinstance(error, UnicodeDecodeError) else str(error)


def _iterate_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines that are not blank; of one that is too long, more bytes than may be, and the rest is skipped."""
    line = stream.readline(MAX_LINE_BYTES + 1).removeprefix(BOM)
    while line:
        if line.strip():
            yield line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES + 1)
        line = stream.readline(MAX_LINE_BYTES + 1)


def _fail(reason: str) -> Iterator[ParsedRecord]:
    raise ValueError(reason)
