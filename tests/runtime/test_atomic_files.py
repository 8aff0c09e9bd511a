"""A file is replaced whole, or the old one stays; a folder is whole or not there."""

import os
from fnmatch import fnmatch
from pathlib import Path

import pytest

from m2m.runtime import atomic_files
from m2m.runtime.atomic_files import (
    HOST,
    fill_folder,
    remove_dead_parts,
    replace_file,
    require_empty_folder,
    write_text,
)

ROOT = Path(__file__).parents[2]
DEAD = 2**22 + 1  # above the largest process number of Linux


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


def make_parts(folder: Path, pid: int, host: str = HOST) -> list[Path]:
    """A file and a folder that the process `pid` was writing on `host`."""
    (folder / f".a.txt.{host}.{pid}.part").write_text("half")
    (folder / f".picked.{host}.{pid}.part").mkdir()
    (folder / f".picked.{host}.{pid}.part/a.txt").write_text("half")
    return sorted(folder.glob(f".*.{host}.{pid}.part"))


def test_only_parts_of_dead_processes_of_ones_own_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    living, dead = make_parts(tmp_path, os.getppid()), make_parts(tmp_path, DEAD)
    elsewhere = make_parts(tmp_path, DEAD, "other-machine")
    others = [tmp_path / name for name in ("data.part", ".a.part", f"a.{DEAD}.part", f".a.{DEAD}.part.txt")]
    for path in others:
        path.write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr("os.getuid", lambda: -1)
        assert remove_dead_parts(tmp_path.iterdir()) == []
    assert sorted(remove_dead_parts(tmp_path.iterdir())) == dead
    assert sorted(tmp_path.iterdir()) == sorted([*living, *elsewhere, *others])


@pytest.mark.parametrize("place", ["new", "deep/new", "empty", "link", "."])
def test_a_folder_is_filled_at_once_whatever_stood_there_and_a_dead_part_of_it_is_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    if place in ("empty", "link"):
        Path("empty").mkdir()
        Path("link").symlink_to("empty")
    folder = Path(place)
    dead = f".{folder.resolve().name}.{HOST}.{DEAD}.part"
    (Path() if place == "." else folder.resolve().parent).joinpath(dead).mkdir(parents=True)
    if folder.exists():
        make_parts(folder, DEAD)  # as after a kill while it was the current folder
    require_empty_folder(folder, "")
    with fill_folder(folder) as part:
        for name in ("a.txt", "b.txt"):
            write_text(part / name, name)
        assert not list(folder.glob("[ab].txt"))
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.txt": "a.txt", "b.txt": "b.txt"}
    assert not list(tmp_path.rglob(".*.part"))


def test_an_error_while_a_folder_is_filled_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), fill_folder(tmp_path / "new") as part:
        (part / "a.txt").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", [".gitignore", ".dvcignore"])
def test_git_and_dvc_ignore_what_is_being_written(file: str, tmp_path: Path) -> None:
    pattern = (ROOT / file).read_text().splitlines()[-1]
    with replace_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        assert [fnmatch(path.name, pattern) for path in (temporary, tmp_path / "a.txt")] == [True, False]
