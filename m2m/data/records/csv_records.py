"""CSV of the usual dialects → one record a row; a broken row is one reject and never gives two halves of a record."""

import csv
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from m2m.data.records.json_records import ParsedRecord

LONGEST_FIELD = 2**31 - 1  # csv's own limit is 128 KiB; long fields are for the cleaning to judge
LONGEST_COLUMN_NAME = 60  # characters of a column's name; a longer one is a row's text
DELIMITERS = ",\t;|"
MOST_FRAGMENTS = 50  # rows that are held back until the next quote tells whether they are fragments


class _Row(NamedTuple):
    fields: list[str]
    lines: list[str]
    reason: str | None = None
    is_quoted: bool = False  # a field of it is quoted
    is_stray: bool = False  # a quote stands in a field without quotes
    is_closed: bool = False  # it is broken, and its last line ends with a quote


def read_csv(stream: BinaryIO) -> Iterator[ParsedRecord]:
    """Rows as mappings by the header's names; ValueError where there is no usable header, or another way of quoting.

    A row with an unescaped quote ends where its quotes are even again. Everything up to there is
    one reject, because a line inside a broken row may look like a row.
    """
    csv.field_size_limit(LONGEST_FIELD)
    with io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="") as text:
        lines = _Lines(text)
        header = _read_header(lines)
        rows = _join_fragments(_read_rows(lines)) if header else iter(())
        for row in rows:
            yield (None, row.reason) if row.reason else _name_fields(header, row.fields)


class _Lines:
    """The lines of a file, those taken since `taken` was cleared, and the delimiter of the header."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._next = next(text, "")
        self.taken: list[str] = []
        self.delimiter = max(DELIMITERS, key=self._next.count)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if not self._next:
            raise StopIteration
        self.taken.append(self._next)
        self._next = next(self._text, "")
        return self.taken[-1]

    def is_row_end(self, is_quoted: bool) -> bool:
        """Whether a broken row ends with the lines taken; `is_quoted`: all fields of all rows before are quoted."""
        is_even = "".join(self.taken).count('"') % 2 == 0
        is_closed = self.is_closed()
        is_row_next = is_quoted and self._next.startswith('"') and f'"{self.delimiter}"' in self._next
        return not self._next or (is_even and (is_closed or not is_quoted)) or (is_closed and is_row_next)

    def is_closed(self) -> bool:
        """Whether the lines taken end with a quote."""
        return self.taken[-1].rstrip().endswith('"')


def _read_header(lines: _Lines) -> list[str]:
    line = next(lines, "")
    names = [name.strip() for name in next(csv.reader([line], delimiter=lines.delimiter, skipinitialspace=True), [])]
    if any(len(name) > LONGEST_COLUMN_NAME or name.endswith((".", "?", "!")) for name in names):
        raise ValueError(
            "its first line is a row, not a header: name the columns there, for example instruction,output"
        )
    if repeated := [name for name in names if name and names.count(name) > 1]:
        raise ValueError(f"its header names the column {repeated[0]!r} twice: rename one of them")
    return names


def _read_rows(lines: _Lines) -> Iterator[_Row]:
    reader = csv.reader(lines, delimiter=lines.delimiter, skipinitialspace=True, strict=True)
    field = rf'(?: *"(?:[^"]|"")*"|[^"{re.escape(lines.delimiter)}]*)'
    strict_row = re.compile(rf"{field}(?:{re.escape(lines.delimiter)}{field})*")
    is_quoted = lines.taken[0].startswith('"')  # the header
    while True:
        lines.taken.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if '\\"' in lines.taken[0]:
                raise ValueError(
                    r'it escapes quotes by a backslash (\"): write them twice (""), as CSV does'
                ) from error
            while not lines.is_row_end(is_quoted):
                next(lines)
            reason = f"is no CSV row: {error}; write a quote inside a field twice"
            yield _Row([], list(lines.taken), reason, is_closed=lines.is_closed())
        else:
            is_quoted = is_quoted and "".join(lines.taken).count('"') >= 2 * len(fields)
            if fields:  # a blank line has none
                has_quotes = any('"' in line for line in lines.taken)
                is_strict = has_quotes and bool(strict_row.fullmatch("".join(lines.taken).rstrip("\r\n")))
                yield _Row(fields, list(lines.taken), None, is_strict, has_quotes and not is_strict)


def _join_fragments(rows: Iterator[_Row]) -> Iterator[_Row]:
    """One reject in place of the rows from a quoted or broken one to a stray quote: they may be one broken row.

    In `q,"a 5"`, `Well, yes`, `the end."` the quote of 5" ends the field too early, and the next line looks like a row.
    """
    pending: list[_Row] = []
    for row in rows:
        if pending and (row.is_stray or (row.reason and pending[0].reason)):
            pending = [row._replace(reason=row.reason or "is no CSV row: a quote stands in a field without quotes")]
        elif row.reason or row.is_quoted:
            yield from pending
            pending = [row]
        elif pending and len(pending) < MOST_FRAGMENTS:
            pending.append(row)
        else:
            yield from [*pending, row]
            pending = []
        if row.is_closed:
            yield from pending
            pending = []
    yield from pending


def _name_fields(header: list[str], fields: list[str]) -> ParsedRecord:
    if len(fields) > len(header):
        return None, "has more fields than the header"
    try:
        "".join(fields).encode()
    except UnicodeEncodeError:
        return None, "is not UTF-8"
    return dict(zip(header, [*fields, *[None] * (len(header) - len(fields))], strict=True)), None
