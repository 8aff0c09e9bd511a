"""JSON: lines, arrays, containers and columns are read whatever the name; what cannot be read is one sentence."""

import io
import json
import random
import string
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from m2m.data.records import json_list, json_records
from m2m.data.records.json_list import iterate_list
from m2m.data.records.json_records import read_json_records, unpack_container

ROWS = [{"instruction": "a", "output": "b"}, {"instruction": "c", "output": "d"}]


def read(data: bytes | str, *, is_lines: bool) -> list[tuple[Any, str | None]]:
    return list(read_json_records(io.BytesIO(data.encode() if isinstance(data, str) else data), is_lines))


@pytest.mark.parametrize("is_lines", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(json.dumps, ROWS)),
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "\n".join(json.dumps(row, indent=2) for row in ROWS),
        json.dumps({"train": ROWS}),
        json.dumps({"version": 1, "data": ROWS}, indent=1),
        json.dumps({"0": ROWS[0], "1": ROWS[1]}),
        json.dumps({"instruction": {"0": "a", "1": "c"}, "output": {"0": "b", "1": "d"}}),
        json.dumps({"instruction": ["a", "c"], "output": ["b", "d"]}, indent=1),
        "\ufeff" + json.dumps(ROWS),
    ],
)
def test_every_container_gives_the_same_records_under_either_name(text: str, is_lines: bool) -> None:
    assert read(text, is_lines=is_lines) == [(row, None) for row in ROWS]


@pytest.mark.parametrize(
    "record",
    [
        {"messages": [{"role": "user", "content": "a"}]},
        {"prompt": [{"role": "user", "content": "a"}], "completion": [{"role": "assistant", "content": "b"}]},
        {"data": ["a", "b"]},
        {"instruction": "a", "tags": ["x", "y"]},
        {"id": "1", "extra": {"0": "x"}},
        {},
    ],
)
def test_a_record_alone_is_no_container(record: dict[str, Any]) -> None:
    assert unpack_container(record) == [record]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({"train": ROWS, "test": ROWS}), "several lists of records \\('train', 'test'\\): keep one list"),
        (json.dumps(ROWS, indent=1)[:-1] + ",]", "a comma stands before a closing bracket near line"),
        ('[\n{"instruction": "a", "output": "b",}\n]', "a comma stands before a closing bracket near line 2"),
        (json.dumps(ROWS, indent=1)[:-3], "Expecting"),
        ("", "the file is empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(text, is_lines=False)


def test_a_broken_first_line_of_lines_costs_one_record() -> None:
    (value, reason), second = read('{"instruction": "a\n{"instruction": "b", "output": "c"}\n', is_lines=True)
    assert value is None and str(reason).startswith("is no JSON: ")
    assert second == ({"instruction": "b", "output": "c"}, None)


def test_a_line_that_is_too_long_costs_one_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_LINE_BYTES", 2**20)
    lines = [json.dumps(ROWS[0]), json.dumps({"instruction": "x" * 2**22, "output": "b"}), json.dumps(ROWS[1])]
    assert [reason for _, reason in read("\n".join(lines), is_lines=True)] == [None, "is longer than 1 MiB", None]


def test_nan_is_read_as_a_number() -> None:
    ((value, _),) = read('{"instruction": "a", "input": NaN, "output": "b"}', is_lines=True)
    assert isinstance(value, dict) and value["input"] != value["input"]


class Lines(io.BytesIO):
    """A file too large to be read at once."""

    def read(self, size: int | None = -1) -> bytes:
        raise MemoryError(size)


@pytest.mark.parametrize("first", ['{"instruction": "a', "{'a': 1}", "nonsense", "\x00", '{"a": "b\x01"}', "x" * 2**21])
def test_lines_after_a_broken_first_one_are_streamed(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_LINE_BYTES", 2**20)
    stream = Lines(f"{first}\n{json.dumps(ROWS[0])}\n{json.dumps(ROWS[1])}".encode())
    (_, reason), *rows = read_json_records(stream, is_lines=True)
    assert reason and rows == [(row, None) for row in ROWS]


def test_a_list_on_one_long_line_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_LINE_BYTES", 20)
    assert read(json.dumps(ROWS), is_lines=True) == [(row, None) for row in ROWS]


@pytest.mark.parametrize("chunk", [1, 3, 7, 10**6])
def test_a_list_is_read_the_same_whatever_its_pieces(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces may end in a number, in a character, in a key, between two values."""
    monkeypatch.setattr(json_list, "PIECE_BYTES", chunk)
    draw = random.Random(1)
    values: list[Any] = [12, -3.5e10, "é漢🌍", None, True, [], {}, [[1, {"a": "]"}]], "x" * 50, {"k": 12345}, 1]
    values += ["".join(draw.choices(string.printable + "é漢", k=draw.randrange(30))) for _ in range(20)]
    for text in (json.dumps(values), json.dumps(values, ensure_ascii=False, indent=3), " [ ] ", "[]"):
        data = text.encode()
        assert list(iterate_list(data[:5], io.BytesIO(data[5:]))) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["[1,,2]", "[1 2]", "[,]", "[1,]", "[", "[1", "[1,", "[1]]", '[{"a": 1, }]', "[tru", "[01]"]
)
def test_no_text_is_a_list_that_json_refuses(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_list, "PIECE_BYTES", 1)
    with pytest.raises(ValueError, match="near line 1: "):
        list(iterate_list(text.encode(), io.BytesIO()))


def test_one_value_of_a_list_may_not_be_longer_than_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_list, "MAX_LINE_BYTES", 2**12)
    monkeypatch.setattr(json_list, "PIECE_BYTES", 2**10)
    stream = io.BytesIO(b'"' + b"x" * 2**20 + b'"]')
    with pytest.raises(ValueError, match="near line 1"):
        list(iterate_list(b"[1,", stream))
    assert stream.tell() < 2**15


def test_one_object_for_the_file_has_a_limit_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"data": ROWS}, indent=1)
    monkeypatch.setattr(json_records, "MAX_OBJECT_BYTES", len(text) + 1)
    assert read(text, is_lines=False) == [(row, None) for row in ROWS]
    monkeypatch.setattr(json_records, "MAX_OBJECT_BYTES", len(text) - 1)
    with pytest.raises(ValueError, match=r"one JSON object of more than 0 MiB.*`jq -c '\.data\[\]'`"):
        read(text, is_lines=False)


def test_lines_are_lines_where_they_are_too_many_for_one_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_OBJECT_BYTES", 20)
    lines = ['{"instruction":', *map(json.dumps, ROWS)]
    (_, reason), *rows = read("\n".join(lines), is_lines=True)
    assert reason and rows == [(row, None) for row in ROWS]


PEAK = """
import resource, sys, zlib
from m2m.data.records.json_list import iterate_list
class Packed:
    def __init__(self, packed):
        self.packed, self.unpacker = packed, zlib.decompressobj()
    def read(self, size):
        text = self.unpacker.decompress(self.unpacker.unconsumed_tail or self.packed, size)
        self.packed = b""
        return text
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for _ in iterate_list(b"[", Packed(open(sys.argv[1], "rb").read())))
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_nine_megabytes_of_empty_objects_take_the_memory_of_a_few_chunks(tmp_path: Path) -> None:
    """Parsed at once they take 230 MB; they come packed in 10 KB."""
    values = ["[" + "{}," * 9999 + "{}]"] * 300
    (tmp_path / "packed").write_bytes(zlib.compress((",".join(values) + "]").encode()))
    run = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "packed")], capture_output=True, text=True, check=True
    )
    count, kilobytes = map(int, run.stdout.split())
    assert count == 300 and kilobytes < 40_000
