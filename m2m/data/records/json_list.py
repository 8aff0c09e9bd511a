"""A JSON list of any length → its values one after the other, each parsed as soon as its bytes are read."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

DECODER = json.JSONDecoder()
PIECE_BYTES = 2**20
MAX_LINE_BYTES = 2**26  # of a line of JSON or CSV, and of one value in a list
JSON_BLANKS = re.compile(r"[ \t\r\n]*")
NOT_UTF_8 = "its text is not UTF-8 (convert it, for example with `iconv`)"
COMMA = "a comma stands before a closing bracket"
TRAILING_COMMA = re.compile(r",\s*[\]}]")


def iterate_list(start: bytes, stream: BinaryIO) -> Iterator[object]:
    """The values of the list whose text is `start`, which begins with `[`, and then all of `stream`.

    ValueError, after the values before it, where the text is no JSON list, or a value is too long.
    """
    text = _Text(start, stream)
    sign = text.skip_blanks()
    text.position += 1
    is_first = True
    while sign != "]":
        if text.skip_blanks() == "]":
            if not is_first:
                raise ValueError(text.explain(text.make_error(COMMA)))
            text.position += 1
            break
        yield text.read_value()
        is_first = False
        sign = text.skip_blanks()
        if sign not in {",", "]"}:
            raise ValueError(text.explain(text.make_error("Expecting ',' delimiter")))
        text.position += 1
    if text.skip_blanks():
        raise ValueError(text.explain(text.make_error("Extra data")))


def explain_json_error(error: json.JSONDecodeError, lines_before: int = 0) -> str:
    """What is wrong and near which line, where `lines_before` lines precede the text that was parsed."""
    line = error.lineno + lines_before
    if error.msg == COMMA or TRAILING_COMMA.search(error.doc[max(error.pos - 200, 0) : error.pos + 200]):
        return f"{COMMA} near line {line}: delete the comma"
    return f"{error.msg} near line {line}: mend that line, or write one object a line"


class _Text:
    """The part of a text that is not yet parsed, or is in the same chunk."""

    def __init__(self, start: bytes, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._lines_before = 0
        self._text = ""
        self.position = 0
        self._text = self._decode(start)

    def skip_blanks(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            self.position = JSON_BLANKS.match(self._text, self.position).end()  # type: ignore[union-attr]
            if self.position < len(self._text):
                return self._text[self.position]
            if not self._extend():
                return ""

    def read_value(self) -> object:
        """The value at the position, with as many further bytes as it takes."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self.position)
            except json.JSONDecodeError as error:
                if len(self._text) - self.position > MAX_LINE_BYTES or not self._extend():
                    raise ValueError(self.explain(error)) from error
                continue
            except RecursionError as error:
                raise ValueError(self.explain(self.make_error("Nested too deep"))) from error
            if end < len(self._text) or not self._extend():  # a number may go on
                self.position = end
                return value

    def make_error(self, message: str) -> json.JSONDecodeError:
        return json.JSONDecodeError(message, self._text, self.position)

    def explain(self, error: json.JSONDecodeError) -> str:
        return explain_json_error(error, self._lines_before)

    def _extend(self) -> bool:
        """Read at least as much as is left, so that a long value is not parsed too often; False at the end."""
        rest = self._text[self.position :]
        data = self._stream.read(max(PIECE_BYTES, len(rest)))
        more = self._decode(data)
        if not data:
            return False
        self._lines_before += self._text.count("\n", 0, self.position)
        self._text, self.position = rest + more, 0
        return True

    def _decode(self, data: bytes) -> str:
        try:
            return self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            raise ValueError(f"{NOT_UTF_8} after line {self._lines_before + self._text.count(chr(10))}") from error
