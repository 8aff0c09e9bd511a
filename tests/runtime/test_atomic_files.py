"""A file is replaced whole, or the old one stays."""

from pathlib import Path

import pytest

from m2m.runtime import atomic_files
from m2m.runtime.atomic_files import replace_file, write_text


def test_a_text_that_cannot_be_written_whole_leaves_the_old_one_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_files.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_text(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_an_error_of_the_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), replace_file(path) as temporary:
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_written_text_takes_the_place_of_a_longer_one(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.txt"
    for text in ("old and longer", "new ä"):
        write_text(path, text)
    assert path.read_text(encoding="utf-8") == "new ä" and list(path.parent.iterdir()) == [path]
