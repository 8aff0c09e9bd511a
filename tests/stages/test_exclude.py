"""exclude: the rows that `subset` leaves out are those of the overlaps, once each, or none."""

from pathlib import Path

import polars as pl

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.exclusions import Exclusions
from m2m.schemas.overlaps import Overlaps
from stages.exclude import main


def test_drop_leaves_out_each_overlapping_row_once(tmp_path: Path) -> None:
    columns = {"id": ["a", "a", "b"], "prompt": ["p", "q", "p"], "field": "response", "kind": "exact", "grams": 0}
    overlaps = pl.DataFrame({**columns, "text": "what is red"}).cast({"grams": pl.Int64})
    write_table(tmp_path / "overlaps.parquet", Overlaps, overlaps)
    main(tmp_path / "overlaps.parquet", tmp_path / "new/drop.parquet", overlap="drop")
    assert read_table(tmp_path / "new/drop.parquet", Exclusions)["id"].to_list() == ["a", "b"]


def test_keep_leaves_out_none_and_reads_nothing(tmp_path: Path) -> None:
    main(tmp_path / "absent.parquet", tmp_path / "keep.parquet", overlap="keep")
    assert read_table(tmp_path / "keep.parquet", Exclusions).is_empty()
