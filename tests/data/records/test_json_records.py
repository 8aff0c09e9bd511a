"""JSON: lines, arrays, containers and columns are read whatever the name; what cannot be read is one sentence."""

import io
import json
from typing import Any

import pytest

from m2m.data.records import json_records
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


def test_a_list_on_one_long_line_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_LINE_BYTES", 20)
    assert read(json.dumps(ROWS), is_lines=True) == [(row, None) for row in ROWS]
