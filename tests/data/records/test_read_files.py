"""Files: every container gives the same records, and a defect costs one record, never the run."""

import csv
import gzip
import hashlib
import io
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from m2m.data.records import read_files as read_files_module
from m2m.data.records import unpacking
from m2m.data.records.read_files import SourceRecord, read_files
from tests.fuzz.doors import write_arrow, write_stream

RECORDS = [{"prompt": "Ask, or?", "completion": 'Two\nlines "quoted"'}, {"prompt": "é", "completion": "漢"}]


def as_csv(records: list[dict[str, str]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def as_parquet(records: list[dict[str, str]]) -> bytes:
    data = io.BytesIO()
    pl.DataFrame(records).write_parquet(data)
    return data.getvalue()


def as_lines(records: list[dict[str, str]]) -> bytes:
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()


CONTAINERS: dict[str, Callable[[list[dict[str, str]]], bytes]] = {
    "jsonl": as_lines,
    "json": lambda records: json.dumps(records, indent=1).encode(),
    "csv": as_csv,
    "parquet": as_parquet,
    "arrow": write_arrow,
    "stream.arrow": write_stream,
}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


def read(path: Path, data: bytes) -> list[SourceRecord]:
    path.write_bytes(data)
    return [record._replace(file="", place=0) for record in read_files(str(path))]


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_records(tmp_path: Path, container: str, packing: str) -> None:
    data = PACK[packing](CONTAINERS[container](RECORDS))
    assert read(tmp_path / f"rows.{container}{packing}", data) == [
        SourceRecord(0, RECORDS[0]),
        SourceRecord(1, RECORDS[1]),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("data.json", json.dumps({"version": 1, "data": RECORDS}).encode()),
        ("lines.json", as_lines(RECORDS)),
        ("lines.ndjson", as_lines(RECORDS).replace(b"\n", b"\r\n\r\n") + b"\n\n"),
        ("mark.jsonl", b"\xef\xbb\xbf" + as_lines(RECORDS)),
        ("mark.json", b"\xef\xbb\xbf" + as_lines(RECORDS)),
        ("mark.csv", b"\xef\xbb\xbf" + as_csv(RECORDS)),
        ("CAPITALS.JSONL", as_lines(RECORDS)),
        ("two.frames.jsonl.zst", b"".join(PACK[".zst"](as_lines([record]) + b"\n") for record in RECORDS)),
    ],
)
def test_usual_variants_are_read_too(tmp_path: Path, name: str, data: bytes) -> None:
    assert [record.value for record in read(tmp_path / name, data)] == RECORDS


def test_one_object_alone_is_one_record(tmp_path: Path) -> None:
    assert read(tmp_path / "one.json", json.dumps(RECORDS[0], indent=1).encode()) == [SourceRecord(0, RECORDS[0])]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"prompt": "a', "is no JSON: Unterminated string starting at"),
        (b"hello", "is no JSON: Expecting value"),
        (b'{"prompt": "\xff"}', "is not UTF-8"),
        (b"[" * 100_000, "is no JSON: maximum recursion depth exceeded"),
        (b"9" * 5000, "is no JSON: Exceeds the limit"),
    ],
)
def test_a_broken_line_costs_one_record(tmp_path: Path, line: bytes, reason: str) -> None:
    first, broken, last = read(
        tmp_path / "rows.jsonl", b"\n".join([as_lines(RECORDS[:1]), line, as_lines(RECORDS[1:])])
    )
    assert (first.value, last.value) == (RECORDS[0], RECORDS[1])
    assert broken.row == 1 and str(broken.reason).startswith(reason)


def test_a_csv_row_with_wrong_bytes_or_too_many_fields_costs_one_record(tmp_path: Path) -> None:
    data = b"prompt,completion\na,b\n\xff,b\na,b,c\na\n"
    good, wrong, long, short = read(tmp_path / "rows.csv", data)
    assert (good.value, short.value) == ({"prompt": "a", "completion": "b"}, {"prompt": "a", "completion": None})
    assert (wrong.reason, long.reason) == ("is not UTF-8", "has more fields than the header")


def test_a_csv_row_with_a_broken_quote_costs_one_record(tmp_path: Path) -> None:
    found = read(tmp_path / "rows.csv", b'prompt,completion\n"a","b"c"\n"d","e"\n"f","g"\n')
    assert [one.value for one in found] == [None, *({"prompt": a, "completion": b} for a, b in ("de", "fg"))]
    assert "is no CSV row" in str(found[0].reason)


def test_a_csv_quote_that_nothing_ends_is_no_row_and_is_told(tmp_path: Path) -> None:
    found = read(tmp_path / "rows.csv", b'prompt,completion\na,b\nc,"d\ne,f\ng,h\n')
    assert [one.value for one in found] == [{"prompt": "a", "completion": "b"}, None]
    assert "unexpected end of data" in str(found[1].reason)


def test_a_date_that_python_has_no_word_for_is_told(tmp_path: Path) -> None:
    pq.write_table(pa.table({"prompt": ["a"], "day": pa.array([10**7], pa.date32())}), tmp_path / "rows.parquet")
    (found,) = read_files(str(tmp_path / "rows.parquet"))
    assert found.value is None
    assert "is no parquet table, or not whole" in str(found.reason)


def test_a_folder_without_data_is_one_record_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("words")
    (record,) = read_files(str(tmp_path))
    assert record.reason == f"no data file in folder {tmp_path}: name a file, or a pattern such as **/*.jsonl"


def test_a_folder_with_data_in_its_folders_names_their_pattern(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train/data-00000.arrow").write_bytes(write_stream(RECORDS))
    (record,) = read_files(str(tmp_path))
    pattern = f"{tmp_path}/*/*.arrow"
    assert record.reason == f"no data file in folder {tmp_path}: name a file, or the files in its folders: {pattern}"
    assert [found.value for found in read_files(pattern)] == RECORDS


def test_a_parquet_row_with_wrong_bytes_costs_one_record(tmp_path: Path) -> None:
    texts = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    pq.write_table(pa.table({"prompt": texts}), tmp_path / "rows.parquet")
    found = list(read_files(str(tmp_path / "rows.parquet")))
    assert [record.reason for record in found] == [None, "is not UTF-8", None]
    assert found[2].value == {"prompt": "c"}


def test_a_field_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    long = [{"prompt": "a" * 10_000_000, "completion": "b"}]
    for container in ("jsonl", "csv"):
        assert read(tmp_path / f"rows.{container}", CONTAINERS[container](long))[0].value == long[0]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("rows.txt", b"hello", "is no table: a name must end in .jsonl, .ndjson, .json, .csv, .tsv, .parquet"),
        ("rows", b"hello", "is no table"),
        ("rows.gz", b"hello", "is no table"),
        ("rows.parquet", b"hello", "is no parquet table, or not whole"),
        ("rows.json", b'[{"prompt": "a"', "is no json table, or not whole"),
        ("rows.json", b"\xff\xfe[\x00", "is no json table, or not whole"),
        ("rows.json", b"", "is no json table, or not whole"),
        ("rows.jsonl.gz", gzip.compress(as_lines(RECORDS), mtime=0)[:-9], "is no jsonl table, or not whole"),
        ("rows.jsonl.gz", b"hello", "is no jsonl table, or not whole"),
        ("rows.jsonl.zst", b"hello", "is no jsonl table, or not whole"),
        ("rows.parquet.gz", gzip.compress(b"hello", mtime=0), "is no parquet table, or not whole"),
    ],
)
def test_a_file_that_is_no_table_is_one_record_with_the_reason(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    (record,) = read(tmp_path / name, data)
    assert record.value is None and reason in str(record.reason) and name in str(record.reason)


def test_a_truncated_zst_is_not_taken_for_a_short_one(tmp_path: Path) -> None:
    lines = as_lines([{"prompt": hashlib.sha256(bytes(number)).hexdigest()} for number in range(3000)])
    (record,) = read(tmp_path / "rows.jsonl.zst", PACK[".zst"](lines)[:-1000])
    assert "ends in the middle of a zstd frame" in str(record.reason)


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl", "rows.parquet"])
def test_an_empty_table_has_no_records(tmp_path: Path, name: str) -> None:
    data = as_parquet(RECORDS)
    if name == "rows.parquet":
        pl.read_parquet(io.BytesIO(data)).clear().write_parquet(tmp_path / name)
    else:
        (tmp_path / name).write_bytes(b"prompt,completion\n" if name == "rows.csv" else b"")
    assert list(read_files(str(tmp_path / name))) == []


def test_a_missing_file_and_a_pattern_without_match_are_one_record(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jsonl", tmp_path / "*.jsonl"):
        assert list(read_files(str(path))) == [SourceRecord(0, None, f"no file at {path}")]


def test_a_pattern_reads_all_files_by_name_and_counts_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "2.csv").write_bytes(as_csv(RECORDS))
    (tmp_path / "b" / "1 of [2].jsonl").write_bytes(as_lines(RECORDS))
    assert [record.row for record in read_files(str(tmp_path / "**/*.*"))] == [0, 1, 2, 3]
    monkeypatch.chdir(tmp_path)
    assert len(list(read_files("b/*"))) == 4
    assert len(list(read_files("b/1 of [2].jsonl"))) == 2


def test_a_pattern_reads_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in "hbgacfde":
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(name))
    assert [record.value for record in read_files(str(tmp_path / "*.jsonl"))] == list("abcdefgh")


def test_records_carry_their_file_and_their_place_in_it(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.csv"):
        (tmp_path / name).write_bytes(as_csv(RECORDS) if name == "a.csv" else as_lines(RECORDS))
    found = [(record.row, record.file, record.place) for record in read_files(str(tmp_path / "*"))]
    assert found == [(0, "a.csv", 0), (1, "a.csv", 1), (2, "b.jsonl", 0), (3, "b.jsonl", 1)]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a/train.jsonl", ["train.jsonl"]),
        ("a", ["train.jsonl"]),
        ("a/*.jsonl", ["train.jsonl"]),
        ("*/train.jsonl", ["a/train.jsonl", "b/train.jsonl"]),
        ("**/*.jsonl", ["a/train.jsonl", "b/c/train.jsonl", "b/train.jsonl"]),
        ("b/**/train.jsonl", ["c/train.jsonl", "train.jsonl"]),
        ("../*/b/*.jsonl", ["here/b/train.jsonl"]),
    ],
)
@pytest.mark.parametrize("is_absolute", [False, True])
def test_no_two_files_of_a_pattern_have_one_name_and_a_named_file_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, names: list[str], is_absolute: bool
) -> None:
    for folder in ("a", "b", "b/c"):
        (tmp_path / "here" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / folder / "train.jsonl").write_text("{}")
    monkeypatch.chdir(tmp_path / "here")
    found = read_files(str(tmp_path / "here" / path) if is_absolute else path)
    assert [record.file for record in found] == names


def test_a_folder_of_shards_is_read_by_name_without_hidden_files_and_metadata(tmp_path: Path) -> None:
    for number in (2, 1):
        (tmp_path / f"train-{number}-of-2.parquet").write_bytes(as_parquet(RECORDS[number - 1 : number]))
    for name in (".cache.json", "_tmp.json", "dataset_info.json", "state.json", "README.md"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "more").mkdir()
    assert [record.value for record in read_files(str(tmp_path))] == RECORDS


def test_a_folder_that_datasets_saved_is_read(tmp_path: Path) -> None:
    import datasets

    datasets.Dataset.from_list(RECORDS).save_to_disk(tmp_path / "set")
    assert [record.value for record in read_files(str(tmp_path / "set"))] == RECORDS


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
def test_utf_16_is_read(tmp_path: Path, name: str, encoding: str) -> None:
    assert [one.value for one in read(tmp_path / name, as_lines(RECORDS).decode().encode(encoding))] == RECORDS
    assert [one.value for one in read(tmp_path / "rows.csv", as_csv(RECORDS).decode().encode("utf-16"))] == RECORDS


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("rows.jsonl", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git lfs pull"),
        ("rows.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git lfs pull"),
        ("rows.csv", b"<!doctype html><title>Sign in</title>", "is a web page"),
        ("rows.xlsx", b"PK\x03\x04", "Excel workbook"),
        ("rows.jsonl.bz2", b"BZh91AY&SY", "bzip2"),
        (
            "rows.csv",
            b"instruction,output\n" + "q,Été à la café – où?\n".encode("cp1252") * 9,
            "iconv -f cp1252",
        ),
        ("rows.jsonl", '{"prompt": "请说明怎样种植", "completion": "每天浇水"}\n'.encode("gb18030") * 9, "gb18030"),
        ("rows.csv", b'instruction,output\n"q","She said \\"no\\" twice."\n', "backslash"),
        ("rows.csv", b"A first question that is asked here, and it is a long one; so what?,Answer.\n", "not a header"),
        ("rows.json", b'{"train": [{"a": 1}], "test": [{"a": 2}]}', "several lists of records"),
    ],
)
def test_a_file_that_is_not_the_data_is_one_sentence(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (record,) = read(tmp_path / name, data)
    assert record.value is None and words in str(record.reason) and name in str(record.reason)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'[{"prompt": "a"},\n]', "a comma stands before a closing bracket near line 2: delete the comma"),
        (b'[{"prompt": "a"},\n{"prompt": "b" "c"}]', "Expecting ',' delimiter near line 2: mend that line"),
        (b'[{"prompt": "a"}\n,{"prompt": "b"', "Expecting ',' delimiter near line 2"),
        (b'[{"prompt": "a"},\n"\xff"]', "its text is not UTF-8 (convert it, for example with `iconv`) after line 1"),
        (b'[{"prompt": "a"}\n', "Expecting ',' delimiter near line 2"),
        (b'[{"prompt": "a"}]\n[{"prompt": "b"}]', "Extra data near line 2"),
        (b'[{"prompt": "a"},\n' + b"[" * 100_000, "Nested too deep near line 2"),
    ],
)
def test_a_damaged_list_is_read_up_to_the_damage(tmp_path: Path, data: bytes, words: str) -> None:
    *rows, last = read(tmp_path / "rows.json", data)
    assert [row.value for row in rows] == [{"prompt": "a"}]
    assert last.value is None and words in str(last.reason) and "rows.json is no json table, or" in str(last.reason)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.jsonl", gzip.compress(as_lines(RECORDS), mtime=0)),
        ("rows.jsonl", zstandard.compress(as_lines(RECORDS))),
        ("rows.json", as_parquet(RECORDS)),
        ("rows", as_lines(RECORDS)),
        ("rows.txt", json.dumps(RECORDS).encode()),
        ("rows.tsv", as_csv(RECORDS)),
        ("rows.feather", write_arrow(RECORDS)),
        ("rows", write_stream(RECORDS)),
        ("rows", b"\xef\xbb\xbf" + as_lines(RECORDS)),
        ("rows", as_lines(RECORDS).decode().encode("utf-16")),
    ],
)
def test_the_content_counts_more_than_the_name(tmp_path: Path, name: str, data: bytes) -> None:
    assert [record.value for record in read(tmp_path / name, data)] == RECORDS


PIECES = [
    piece.encode("latin-1")
    for piece in [
        '"',
        ",",
        "{",
        "}",
        "[",
        "]",
        "null",
        "NaN",
        "1e999",
        "\\",
        "ÿ",
        "\x00",
        "false",
        ";",
        "{}",
        "[[]]",
        '"role"',
        "<html>",
        "\x8b",
        "PAR1",
        "\\ud800",
    ]
]
PIECES += [b"\n", b"\r", b"\t", b"\xef\xbb\xbf"]


@pytest.mark.parametrize("packing", PACK)
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_mangled_file_is_never_an_error_and_every_record_has_a_value_or_a_reason(
    tmp_path: Path, container: str, packing: str
) -> None:
    rng = random.Random(f"{container}{packing}")
    for _ in range(25):
        data = bytearray(PACK[packing](CONTAINERS[container](RECORDS * 3)))
        for _ in range(rng.randint(1, 5)):
            place = rng.randrange(len(data) + 1)
            data[place : place + rng.choice([0, 0, 1, 7])] = rng.choice([b"", *PIECES])
        for record in read(tmp_path / f"rows.{container}{packing}", bytes(data)):
            assert (record.reason is None) != (record.value is None)


@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow", "rows.feather"])
def test_a_few_bytes_that_repeat_one_text_for_ever_are_one_sentence(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "FREE_BYTES", 2**20)
    table = pl.DataFrame({"instruction": ["a" * 1000] * 5000, "output": "b"})
    path = tmp_path / name
    if name.endswith("parquet"):
        table.write_parquet(path, compression="zstd")
    elif name.endswith("feather"):
        table.write_ipc(path, compression="zstd")
    else:
        table.write_ipc_stream(path, compression="zstd")
    *rows, last = read_files(str(path))
    assert path.stat().st_size < 2**20 and len(rows) < 5000
    assert last.value is None and "it expands to more than 1," in str(last.reason)


@pytest.mark.parametrize("name", ["rows.arrow", "rows.jsonl"])
def test_a_machine_without_memory_loses_no_rows_in_silence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Iterator[object]:
        yield from ()
        raise MemoryError("malloc of size 1024 failed")

    monkeypatch.setattr(read_files_module, "_read_kind", fail)
    (tmp_path / name).write_bytes(write_arrow(RECORDS))
    with pytest.raises(MemoryError):
        list(read_files(str(tmp_path / name)))


def test_a_block_that_no_file_of_its_size_can_have_is_the_file_s_fault() -> None:
    def batches(size: int) -> Iterator[object]:
        yield from ()
        raise MemoryError(f"malloc of size {size} failed")

    with pytest.raises(ValueError, match="it names a block of 1,152,921,504,606,846,976 bytes, more than 1,000"):
        list(read_files_module._refuse_huge_blocks(batches(2**60), 1000))
    with pytest.raises(MemoryError):
        list(read_files_module._refuse_huge_blocks(batches(999), 1000))
