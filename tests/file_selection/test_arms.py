"""The arms of a strategy that a person compares."""

import numpy as np
import polars as pl
import pytest

from m2m.file_selection.arms import compare_arms
from m2m.selection.arm import ArmSettings, PoolRows
from m2m.selection.left_out import leave_out_rows

IDS = pl.Series("id", ["a", "b", "c", "d", "e", "f"])
SETTINGS = ArmSettings("k-center", "random", 6, 2, 1, 1.0, "inverse", "rows", 0, 99, "free", 0.0)


class Tables:
    """Vectors at six angles."""

    def build_units(self, strategy: str) -> pl.DataFrame:
        raise ValueError(strategy)

    def build_choices(self, strategy: str) -> pl.DataFrame:
        angles = np.arange(6)
        points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
        return pl.DataFrame({"id": IDS, "vector": pl.Series(points).cast(pl.List(pl.Float32))})


def test_a_large_pool_is_told_its_shards_before_rows_are_chosen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("m2m.selection.shards.EXACT_ROWS", 4)
    pool = PoolRows(IDS, np.arange(6), np.arange(6))
    left_out = leave_out_rows(pool.flag_inside(SETTINGS), None, None, "", 1.0)
    assert compare_arms(pool, left_out, Tables(), SETTINGS).subset.table.height == 2
    assert "It chooses from 6 in 3 random shards" in capsys.readouterr().err
