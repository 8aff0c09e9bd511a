"""CSV of the usual dialects → one record a row; near a broken row, only what every reading has as a row is one."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import BinaryIO

from m2m.data.records.csv_readings import NEAR, NEW_ROW, Costs, Crossing, Dialect, cross_line, find_sure_starts
from m2m.data.records.json_list import MAX_LINE_BYTES
from m2m.data.records.json_records import ParsedRecord

LONGEST_SIGNS = 2**20  # of an overlong line, the quotes and delimiters that are kept to find its rows
OVERLONG = "\udfff"  # what stands for its texts: no text has it, since no bytes are decoded to it
LONGEST_COLUMN_NAME = 60  # characters of a column's name; a longer one is a row's text
DELIMITERS = ",\t;|"
DOUBTFUL = "is no sure CSV row: it may be a part of a broken row, or several rows; write a quote inside a field twice"


def read_csv(stream: BinaryIO) -> Iterator[ParsedRecord]:
    """Rows as mappings by the header's names; ValueError where there is no usable header, or another way of quoting.

    A quote that is not written twice may end a field too early or too late. So lines near it are read in all ways
    that assume a few stray quotes (`csv_readings`). Lines between two sure ends of a row are a record if they are one
    in every reading, else one reject.
    """
    csv.field_size_limit(MAX_LINE_BYTES)  # csv's own is 128 KiB; long fields are for the cleaning to judge
    with io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="") as file:
        text = _iterate_lines(file)
        first = next(text, "")
        delimiter = max(DELIMITERS, key=first.count)
        header = _read_header(first, delimiter)
        if header:
            lines = list(islice(text, NEAR))
            dialect = Dialect(delimiter, len(header), f"{delimiter} " in first)
            dialect = dialect._replace(is_spaced=dialect.is_spaced or _has_spaced_quotes(lines, dialect))
            for fields, reason in _read_rows(chain(lines, text), dialect):
                yield (None, reason) if reason else _name_fields(header, fields)


def _iterate_lines(file: io.TextIOWrapper) -> Iterator[str]:
    """The lines; of one with more than MAX_LINE_BYTES characters, only what divides it into fields."""
    while line := file.readline(MAX_LINE_BYTES + 1):
        if len(line) <= MAX_LINE_BYTES:
            yield line
            continue
        signs = _keep_signs(line)
        while not line.endswith(("\r", "\n")) and (line := file.readline(MAX_LINE_BYTES + 1)):
            signs = (signs + _keep_signs(line))[:LONGEST_SIGNS]
        yield f"{signs}\n"


def _keep_signs(text: str) -> str:
    return re.sub(rf'[^"{DELIMITERS}\r\n]+', OVERLONG, text)[:LONGEST_SIGNS].rstrip("\r\n")


Row = tuple[list[str], str | None]  # its fields, or why there are none


def _read_header(line: str, delimiter: str) -> list[str]:
    names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])]
    if any(len(name) > LONGEST_COLUMN_NAME or name.endswith((".", "?", "!")) for name in names):
        raise ValueError(
            "its first line is a row, not a header: name the columns there, for example instruction,output"
        )
    if repeated := [name for name in names if name and names.count(name) > 1]:
        raise ValueError(f"its header names the column {repeated[0]!r} twice: rename one of them")
    return names


def _has_spaced_quotes(lines: list[str], dialect: Dialect) -> bool:
    """Whether the first line with a quote that is a whole row is one only if blanks may precede its quotes.

    Rows of several lines give no answer: `a, "b` may as well end a row with a stray quote.
    """
    plain, spaced = (_compile_row(dialect._replace(is_spaced=is_spaced)) for is_spaced in (False, True))
    rows = [line.rstrip("\r\n") for line in lines if '"' in line]
    first = next((row for row in rows if spaced.fullmatch(row)), "")
    return bool(first) and not plain.fullmatch(first)


def _compile_row(dialect: Dialect) -> re.Pattern[str]:
    """What a row with quotes in the right places matches."""
    delimiter = re.escape(dialect.delimiter)
    field = rf'(?:{" *" * dialect.is_spaced}"[^"]*(?:""[^"]*)*"|[^"{delimiter}]*)'
    return re.compile(rf"{field}(?:{delimiter}{field}){{{dialect.columns - 1}}}")


def _read_rows(text: Iterator[str], dialect: Dialect) -> Iterator[Row]:
    """The rows of `text`; the last NEAR lines wait, because a broken row casts doubt on those before it."""
    lines_read: list[str] = []
    pending: list[tuple[Row, list[str]]] = []
    while True:
        for fields, lines in _read_strictly(text, dialect, lines_read):
            pending.append(((fields, None), lines))
            while sum(len(lines) for _, lines in pending[1:]) > NEAR:
                yield pending.pop(0)[0]
        if not lines_read:
            yield from (row for row, _ in pending)
            return
        if '\\"' in lines_read[0]:
            raise ValueError(r'it escapes quotes by a backslash (\"): write them twice (""), as CSV does')
        yield from _read_doubtful(chain(*(lines for _, lines in pending), lines_read), text, dialect)
        pending.clear()


def _read_strictly(
    text: Iterator[str], dialect: Dialect, lines_read: list[str]
) -> Iterator[tuple[list[str], list[str]]]:
    """Rows and their lines, up to a broken one, whose lines `lines_read` then has: empty at the end of the file.

    A row with quotes and another number of fields than the header is broken too.
    """
    row = _compile_row(dialect)
    reader = _split_fields(_keep(text, lines_read), dialect)
    while True:
        lines_read.clear()
        try:
            fields = next(reader)
        except (StopIteration, csv.Error):
            return
        lines = "".join(lines_read)
        if '"' in lines and not row.fullmatch(lines.rstrip("\r\n")):
            return
        if fields:  # a blank line has none
            yield fields, list(lines_read)


def _read_doubtful(lines: Iterable[str], text: Iterator[str], dialect: Dialect) -> Iterator[Row]:
    """The rows of `lines` and of those of `text` that follow, until NEAR lines have no stray quote."""
    crossings: list[Crossing] = []
    region: list[str] = []
    costs: Costs = {NEW_ROW: 0}
    calm = 0  # lines since the last stray quote
    for line in chain(lines, text):
        crossing = cross_line(line, dialect, costs)
        calm = calm + 1 if min(crossing.costs.values()) == min(costs.values()) else 0
        crossings.append(crossing)
        region.append(line)
        costs = crossing.costs
        if calm > 2 * NEAR and min(costs, key=lambda state: (costs[state], state == NEW_ROW)) == NEW_ROW:
            is_end = False
            break
    else:
        is_end = True
    starts = find_sure_starts(crossings, is_end)
    first = 0
    for place in range(1, len(starts)):
        if starts[place] or place == len(region):
            yield from _read_segment(region[first:place], starts[first + 1 : place], dialect)
            first = place


def _read_segment(lines: list[str], starts: list[bool | None], dialect: Dialect) -> Iterator[Row]:
    try:
        rows = list(_split_fields(iter(lines), dialect))
    except csv.Error as error:
        yield [], f"is no CSV row: {error}; write a quote inside a field twice"
        return
    is_sure = len(rows) == 1 and all(start is False for start in starts)
    if rows != [[]]:
        yield (rows[0], None) if is_sure else ([], DOUBTFUL)


def _split_fields(lines: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=dialect.delimiter, skipinitialspace=dialect.is_spaced, strict=True)


def _keep(text: Iterator[str], lines_read: list[str]) -> Iterator[str]:
    for line in text:
        lines_read.append(line)
        yield line


def _name_fields(header: list[str], fields: list[str]) -> ParsedRecord:
    if any(OVERLONG in field for field in fields):
        return None, f"has a line that is longer than {MAX_LINE_BYTES // 2**20} MiB"
    if len(fields) > len(header):
        return None, "has more fields than the header"
    try:
        "".join(fields).encode()
    except UnicodeEncodeError:
        return None, "is not UTF-8"
    return dict(zip(header, [*fields, *[None] * (len(header) - len(fields))], strict=True)), None
