"""Records: what is written is read back, and equal records give equal bytes."""

from pathlib import Path

import pytest

from m2m.runtime.records import read_json, write_json


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    record = {"k": 3, "k_evenness": 0.5, "list": [1, 2], "none": None, "token": "▁ä"}
    write_json(tmp_path / "folder" / "record.json", record)
    assert read_json(tmp_path / "folder" / "record.json") == record


def test_the_order_of_keys_does_not_change_the_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": 2})
    write_json(tmp_path / "b.json", {"a": 2, "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes() == b'{\n "a": 2,\n "b": 1\n}\n'


def test_nan_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_file_without_an_object_is_named_in_the_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.json must hold"):
        read_json(path)
