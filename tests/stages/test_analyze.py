"""The stage: grid and scores in, record out."""

from pathlib import Path

import pytest

from bench.planted import planted_grid
from m2m.runtime.artifacts import read_json, read_table, write_json, write_table
from m2m.schemas.correlations import Correlations
from m2m.schemas.grid import Grid
from m2m.schemas.scores import Scores
from m2m.study.study_file import hash_grid
from stages.analyze import main
from tests.planted import NO_SCORES, NOTHING_REGISTERED


def test_same_grid_same_bytes_whatever_the_order_of_its_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = planted_grid({"response-micro": 0.1})
    write_table(tmp_path / "scores.parquet", Scores, NO_SCORES)
    records = []
    for rows in (grid, grid.sample(fraction=1, shuffle=True, seed=1)):
        write_table(tmp_path / "grid.csv", Grid, rows)
        write_json(tmp_path / "made.json", {"one": {"grid": {"rows": 0, "sha256": hash_grid(tmp_path / "grid.csv")}}})
        main(
            tmp_path / "grid.csv",
            tmp_path / "scores.parquet",
            tmp_path / "made.json",
            tmp_path / "study.json",
            tmp_path / "correlations.csv",
            tmp_path / "items.parquet",
            seed=1,
            resamples=100,
            primary_outcome="bpb_reduction",
            primary_setting="largest",
            **NOTHING_REGISTERED,
        )
        records.append([(tmp_path / name).read_bytes() for name in ("study.json", "correlations.csv", "items.parquet")])
    assert records[0] == records[1]
    assert read_json(tmp_path / "study.json")["verdict"][0]["headline"] in capsys.readouterr().out
    table = read_table(tmp_path / "correlations.csv", Correlations)
    assert table.height == len(read_json(tmp_path / "study.json")["metrics"])
    [entropy] = table.filter(outcome="bpb_reduction", metric="response_token_entropy").rows(named=True)
    assert entropy["pearson_low"] < entropy["pearson_r"] < entropy["pearson_high"]


def test_a_grid_that_lost_rows_gives_no_study(tmp_path: Path) -> None:
    places = [
        tmp_path / name for name in ("grid.csv", "scores.parquet", "made.json", "study.json", "c.csv", "i.parquet")
    ]
    write_table(places[0], Grid, planted_grid({"response-micro": 0.1}))
    write_table(places[1], Scores, NO_SCORES)
    lines = places[0].read_text().splitlines(keepends=True)
    write_json(places[2], {"one": {"grid": {"rows": len(lines) - 1, "sha256": hash_grid(places[0])}}})
    places[0].write_text("".join(lines[:11]))
    with pytest.raises(ValueError, match=rf"with {len(lines) - 1} rows, but it has changed and has 10\. Run python -m"):
        main(
            *places,
            seed=1,
            resamples=100,
            primary_outcome="bpb_reduction",
            primary_setting="largest",
            **NOTHING_REGISTERED,
        )
    assert not places[3].exists()
