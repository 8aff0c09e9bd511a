"""What damaged inputs have broken so far, each as small as it gets; replayed before any new ones."""

import io
import json
import struct
from pathlib import Path
from typing import Any

import pyarrow as pa

from m2m.data.benchmarks.eval_prompts import read_baseline_answers
from m2m.data.records.read_files import SourceRecord, read_files
from m2m.data.records.record_formats import DETECTED
from m2m.data.records.row_table import tabulate_records
from m2m.grid.params.params_file import read_settings
from m2m.judging.recorded_judgements import read_games
from m2m.llm.client.reply import parse_reply
from m2m.runtime.artifacts import read_json, read_table
from m2m.schemas.grid import Grid
from m2m.schemas.subset import Subset
from m2m.study.study_file import read_study

PAIR = {"instruction": "a", "output": "b"}


def read_pool(path: Path) -> int:
    """The number of rows, usable or not."""
    return tabulate_records("mine", read_files(str(path)), DETECTED, "first").rows.height


FILES: dict[str, tuple[str, bytes, Any]] = {  # by fault: name, contents, and the reader that must refuse them
    "a profile that is not UTF-8": ("p.yaml", b"band:\n  low: 1\xff\n", read_settings),
    "settings that are a list": ("params.yaml", b"- 1\n", read_settings),
    "a grid without two columns": ("grid.csv", b"experiment,size\na,1\n", lambda path: read_table(path, Grid)),
    "a grid with a text for a number": ("grid.csv", b"size\nmany\n", lambda path: read_table(path, Grid)),
    "a grid of no bytes": ("grid.csv", b"", lambda path: read_table(path, Grid)),
    "a table that is cut": ("subset.parquet", b"PAR1" + bytes(40), lambda path: read_table(path, Subset)),
    "a table that is text": ("subset.parquet", b"id,unit\n", lambda path: read_table(path, Subset)),
    "a study of no keys": ("study.json", b"{}", read_study),
    "a study with a number of 400 digits": ("study.json", b'{"cells": ' + b"9" * 5000 + b"}", read_study),
    "a study nested 100,000 deep": ("study.json", b"[" * 100_000, read_study),
    "a record that is not UTF-8": ("made.json", b'{"a": "\xff"}', read_json),
}


def write_wild_arrow() -> bytes:
    """An Arrow file whose second text ends a gigabyte behind the file: reading it was a segmentation fault."""
    data = io.BytesIO()
    table = pa.table({"instruction": ["abc", "defg"], "output": ["hij", "klmn"]})
    with pa.ipc.new_stream(data, table.schema) as stream:
        stream.write_table(table)
    ends = struct.pack("<3i", 0, 3, 7)
    assert data.getvalue().count(ends) == 2
    return data.getvalue().replace(ends, struct.pack("<3i", 0, 3, 2**30))


POOLS: dict[str, tuple[str, bytes, int]] = {  # by fault: name, contents, rows
    "a name that is half a surrogate": ("p.jsonl", b'{"instruction": "a", "output": "b", "\\ud800": 1}\n', 1),
    "a text that is half a surrogate": ("p.jsonl", b'{"instruction": "\\ud800", "output": "b"}\n', 1),
    "an integer of 5,000 digits": ("p.jsonl", json.dumps(PAIR).encode() + b'\n{"n": ' + b"1" * 5000 + b"}\n", 2),
    "a line nested 100,000 deep": ("p.jsonl", json.dumps(PAIR).encode() + b"\n" + b"[" * 100_000 + b"\n", 2),
    "a NUL between lines": ("p.jsonl", json.dumps(PAIR).encode() + b"\n\0\n" + json.dumps(PAIR).encode(), 3),
    "a broken first line": ("p.jsonl", b'{"instruction": "a\n' + json.dumps(PAIR).encode() + b"\n", 2),
    "an Arrow text beyond the end": ("p.arrow", write_wild_arrow(), 1),
    "an escape character in a field's name": ("p.jsonl", b'{"\\u001b[2J": "a"}\n{"x": 1}', 2),
}


def replay_values() -> None:
    """Values that once ended in a traceback or a wrong number."""
    assert read_baseline_answers([{"messages": ["a"]}, {"messages": [None]}, {"choices": [[]]}]) == {}
    annotation = {"instruction": "a", "output_1": "b", "output_2": "c", "index": 10**30}
    assert read_games("alpaca-eval", [annotation])["index"].to_list() == [None]
    games = read_games(
        "alpaca-eval", [annotation | {"instruction": "a\ud800", "annotator": "\udfff", "model": "\ud800"}]
    )
    assert games.select("id", "judge", "model").rows() == [("a?", "?", "?")]
    usage = {"prompt_tokens": 10**30, "completion_tokens": 1e400}
    assert parse_reply(json.dumps({"choices": [{"text": "a"}], "usage": usage})).prompt_tokens == 0
    rows = tabulate_records("mine", [SourceRecord(0, {"prompt": 10**30, "completion": []})], DETECTED, "first")
    assert rows.rows["reason"].null_count() == 0 and rows.rows.height == 1
