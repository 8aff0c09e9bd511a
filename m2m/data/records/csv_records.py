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
STRAY = "is no CSV row: a quote stands in a field without quotes"
DOUBTFUL = "is no sure CSV row: it may be a part of a broken row, or several rows"
MOST_FRAGMENTS = 50  # rows that are held back until the next quote tells whether they are fragments


class _Row(NamedTuple):
    fields: list[str]
    lines: list[str]
    reason: str | None = None
    is_quoted: bool = False  # a field of it begins with a quote
    is_stray: bool = False  # its first quote stands inside a field: it may be the end of a broken row
    is_closed: bool = False  # its last line ends with a quote
    is_short: bool = False  # it has fewer fields than the header
    is_doubtful: bool = False  # it has several lines that may be rows


def read_csv(stream: BinaryIO) -> Iterator[ParsedRecord]:
    """Rows as mappings by the header's names; ValueError where there is no usable header, or another way of quoting.

    A row with an unescaped quote ends where its quotes are even again. Everything up to there is
    one reject, because a line inside a broken row may look like a row.
    """
    csv.field_size_limit(LONGEST_FIELD)
    with io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="") as text:
        lines = _Lines(text)
        header = _read_header(lines)
        rows = _reject_doubtful(_join_fragments(_read_rows(lines, len(header)))) if header else iter(())
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

    def is_stray(self) -> bool:
        """Whether the first quote of the lines taken is not the first sign of a field."""
        before = "".join(self.taken).partition('"')[0].rstrip(" ")
        return bool(before) and not before.endswith(self.delimiter)

    def are_like_rows(self, columns: int) -> bool:
        """Whether each of the lines taken has as many delimiters as the header."""
        return all(line.count(self.delimiter) == columns - 1 for line in self.taken)

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


def _read_rows(lines: _Lines, columns: int) -> Iterator[_Row]:
    reader = csv.reader(lines, delimiter=lines.delimiter, skipinitialspace=True, strict=True)
    field = rf'(?: *"(?:[^"]|"")*"|[^"{re.escape(lines.delimiter)}]*)'
    strict_row = re.compile(rf"{field}(?:{re.escape(lines.delimiter)}{field})*")
    end = rf"[{re.escape(lines.delimiter)}\r\n]"
    field_start, doubled = re.compile(rf'(?:^|{end}) *"'), re.compile(rf'""(?={end})|(?<={end})""')
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
            yield _Row([], list(lines.taken), reason, is_stray=lines.is_stray(), is_closed=lines.is_closed())
        else:
            text = "".join(lines.taken)
            is_quoted = is_quoted and text.count('"') >= 2 * len(fields)
            if fields:  # a blank line has none
                is_odd = '"' in text and not strict_row.fullmatch(text.rstrip("\r\n"))
                has_lines, begins_quoted = len(lines.taken) > 1, bool(field_start.search(text))
                yield _Row(
                    fields,
                    list(lines.taken),
                    STRAY if is_odd and has_lines else None,
                    begins_quoted,
                    is_odd,
                    lines.is_closed(),
                    len(fields) < columns,
                    has_lines and (bool(doubled.search(text)) or lines.are_like_rows(columns)),
                )


def _join_fragments(rows: Iterator[_Row]) -> Iterator[_Row]:
    """One reject in place of rows that may be one broken row.

    In `q,"a 5"`, `Well, yes`, `the end."` the quote of 5" ends the field too early, and the next line looks like a row.
    So the rows from a quoted one to a stray one are joined, and those from a broken one to a stray or broken one. A
    broken row whose last line does not end with a quote may go on to the end of the next quoted row, and so may a
    quoted row with too few fields.
    """
    pending: list[_Row] = []
    for row in rows:
        is_broken = bool(pending and pending[0].reason)
        is_open = bool(pending and pending[0].is_short and pending[0].is_quoted) or (
            is_broken and not pending[0].is_closed
        )
        is_tail = row.is_stray or (row.is_short and row.is_quoted)
        if pending and (is_tail or (is_broken and row.reason) or (is_open and row.is_quoted)):
            pending = [row._replace(reason=row.reason or (STRAY if row.is_stray else DOUBTFUL))]
        elif row.reason or row.is_quoted:
            yield from pending
            pending = [row]
        elif pending and len(pending) < MOST_FRAGMENTS and (is_open or row.is_short or not is_broken):
            pending.append(row)
        else:
            yield from [*pending, row]
            pending = []
    yield from pending


def _reject_doubtful(rows: Iterator[_Row]) -> Iterator[_Row]:
    """In a file with a broken or a stray row, a doubtful row is a reject: it may hold several rows.

    In `"a"",b`, `""c",d` the doubled quotes are two single ones, of which one is an error. In `"a,b`, `c",d` both are.
    Rows from the first doubtful one on wait for the first broken one.
    """
    waiting: list[_Row] = []
    is_broken = False
    for row in rows:
        is_broken = is_broken or row.is_stray or bool(row.reason)
        if not is_broken and (waiting or row.is_doubtful):
            waiting.append(row)
            continue
        for checked in (*waiting, row):
            yield checked._replace(reason=checked.reason or DOUBTFUL) if checked.is_doubtful else checked
        waiting = []
    yield from waiting


def _name_fields(header: list[str], fields: list[str]) -> ParsedRecord:
    if len(fields) > len(header):
        return None, "has more fields than the header"
    try:
        "".join(fields).encode()
    except UnicodeEncodeError:
        return None, "is not UTF-8"
    return dict(zip(header, [*fields, *[None] * (len(header) - len(fields))], strict=True)), None
