"""Bytes: packed files are found by content, cut ones are errors, and a file that is no data is named."""

import gzip
import io
from pathlib import Path
from typing import Any

import pytest
import zstandard

from m2m.data.records import unpacking
from m2m.data.records.unpacking import (
    check_unpacked,
    detect_packing,
    explain_encoding,
    explain_foreign,
    open_unpacked,
    recode,
)

LINE = b'{"prompt": "a", "completion": "b"}\n'


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.jsonl.zst"])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_packed_bytes_are_unpacked_whatever_the_name(tmp_path: Path, name: str, pack: Any) -> None:
    (tmp_path / name).write_bytes(pack(LINE) + pack(LINE))
    with open_unpacked(tmp_path / name) as stream:
        assert stream.read() == LINE * 2


def test_plain_bytes_stay(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(LINE)
    assert detect_packing(tmp_path / "rows.jsonl") == ""
    with open_unpacked(tmp_path / "rows.jsonl") as stream:
        assert stream.read() == LINE


@pytest.mark.parametrize(("pack", "error"), [(gzip.compress, EOFError), (zstandard.compress, EOFError)])
def test_a_cut_file_is_an_error(tmp_path: Path, pack: Any, error: type[Exception]) -> None:
    data = pack(bytes(range(256)) * 2000)
    (tmp_path / "rows").write_bytes(data[: len(data) // 2])
    with pytest.raises(error):
        check_unpacked(tmp_path / "rows")


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_small_file_that_becomes_a_huge_one_is_refused(
    tmp_path: Path, pack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "FREE_BYTES", 2**20)
    (tmp_path / "rows").write_bytes(pack(bytes(2**24)))
    with pytest.raises(ValueError, match="unpacks to more than"):
        check_unpacked(tmp_path / "rows")


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "git lfs pull"),
        (b"\n  <!DOCTYPE html><html>", "web page"),
        (b"<html><body>", "web page"),
        (b"PK\x03\x04rest", "Excel"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
    ],
)
def test_what_is_no_data_is_named_with_the_remedy(sample: bytes, words: str) -> None:
    assert words in str(explain_foreign(sample))


def test_data_is_no_foreign_file() -> None:
    assert explain_foreign(LINE) is None and explain_encoding(LINE) is None
    assert explain_foreign(b'{"prompt": "<html>"}') is None


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "请说明怎样种植月季花，每天浇水多少，什么时候修剪枝条最好。"),
        ("cp1252", "It’s a naïve café – très élégant, “vraiment” déjà vu."),
        ("cp1251", "Расскажите, пожалуйста, как ухаживать за розами зимой."),
        ("shift_jis", "バラの育て方を教えてください。水やりは毎日必要ですか。"),
    ],
)
def test_another_encoding_is_named(encoding: str, text: str) -> None:
    lines = b"\n".join(f'{{"prompt": "{number}", "completion": "{text}"}}'.encode(encoding) for number in range(9))
    assert f"iconv -f {encoding} -t UTF-8" in str(explain_encoding(lines))


def test_a_few_broken_lines_are_no_other_encoding() -> None:
    assert explain_encoding(LINE * 9 + b"\xff\n" + b"\xfe\n") is None
    assert explain_encoding("é\n".encode() * 3 + b"\xff\xfe\n" * 3) is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_another_unicode_encoding_is_read_piece_by_piece(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "SAMPLE_BYTES", 3)
    text = "Grüße, 世界 🌍\n" * 5
    assert recode(io.BytesIO(text.encode(encoding)), encoding).read().decode() == text


def test_text_that_ends_in_the_middle_of_a_character_is_an_error() -> None:
    with pytest.raises(UnicodeDecodeError):
        recode(io.BytesIO("ab".encode("utf-16-le")[:-1]), "utf-16-le").read()
