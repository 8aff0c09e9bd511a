"""What looks for the harm of a kill finds a half-written file of each kind, and nothing in a sound folder."""

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import save_file

from tests.kills import list_torn_files


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    for name in ("data", "metrics", "models/base", ".dvc/cache/files/md5/00"):
        (tmp_path / name).mkdir(parents=True)
    pl.DataFrame({"id": ["a"] * 99}).write_parquet(tmp_path / "data/pool.parquet")
    (tmp_path / "data/.12.pool.parquet").write_bytes(b"PAR1")  # a temporary name
    (tmp_path / "metrics/cell.json").write_text('{"a": 1}')
    save_file({"weight": np.ones(9)}, tmp_path / "models/base/model.safetensors")
    digest = hashlib.md5(b"contents", usedforsecurity=False).hexdigest()
    (tmp_path / ".dvc/cache/files/md5" / digest[:2]).mkdir()
    (tmp_path / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).write_bytes(b"contents")
    return tmp_path


def test_a_sound_folder_has_no_torn_file(sound: Path) -> None:
    assert list(list_torn_files(sound)) == []


@pytest.mark.parametrize(
    "name", ["data/pool.parquet", "metrics/cell.json", "models/base/model.safetensors", ".dvc/cache/files/md5/*/*"]
)
def test_a_file_that_is_cut_is_found(sound: Path, name: str) -> None:
    (path,) = (path for path in sound.glob(name) if path.is_file())
    path.write_bytes(path.read_bytes()[:-3])
    assert list(list_torn_files(sound)) == [path]
