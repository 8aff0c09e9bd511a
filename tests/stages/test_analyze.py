"""The stage: grid and scores in, record out."""

from pathlib import Path

import polars as pl
import pytest

from bench.planted import planted_grid
from stages.analyze import main
from stages.io.records import read_json
from stages.io.tables import write_table
from stages.schemas.grid import Grid
from stages.schemas.scores import Scores

NO_SCORES = pl.DataFrame(schema={"experiment": pl.String, "id": pl.String, "saved": pl.Float64, "bytes": pl.Int32})


def test_same_grid_same_bytes_whatever_the_order_of_its_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = planted_grid({"response-micro": 0.1})
    write_table(tmp_path / "scores.parquet", Scores, NO_SCORES)
    records = []
    for rows in (grid, grid.sample(fraction=1, shuffle=True, seed=1)):
        write_table(tmp_path / "grid.csv", Grid, rows)
        main(tmp_path / "grid.csv", tmp_path / "scores.parquet", tmp_path / "study.json", seed=1, resamples=100)
        records.append((tmp_path / "study.json").read_bytes())
    assert records[0] == records[1]
    assert read_json(tmp_path / "study.json")["verdict"][0]["headline"] in capsys.readouterr().out
