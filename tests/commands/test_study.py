"""A second study has a folder of its own, and all that the first one has."""

import shutil
from pathlib import Path

import pytest

from bench.planted import planted_grid
from m2m.commands.study import main
from m2m.runtime.artifacts import write_json, write_table
from m2m.schemas.grid import Grid
from m2m.study.study_file import hash_grid, require_whole_grid


@pytest.mark.long
def test_a_folder_becomes_a_study_of_its_own(planted: Path, tmp_path: Path) -> None:
    folder = tmp_path / "second"
    shutil.copytree(planted, folder)
    for made in ("study.json", "correlations.csv"):
        (folder / made).unlink()
    main(folder)
    assert {"study.json", "correlations.csv", "main.svg", "report.html", "figures"} <= {
        path.name for path in folder.iterdir()
    }
    assert "second/grid.csv" in (folder / "report.html").read_text()


def test_a_grid_of_nothing_that_is_known_is_an_error_with_a_remedy(tmp_path: Path, planted: Path) -> None:
    shutil.copytree(planted, tmp_path / "second")
    write_table(tmp_path / "second" / "grid.csv", Grid, planted_grid().head(0))
    with pytest.raises(ValueError, match="run `make grid`"):
        main(tmp_path / "second")


def test_a_grid_that_lost_rows_since_it_was_collected_is_refused(tmp_path: Path, planted: Path) -> None:
    shutil.copytree(planted, tmp_path / "second")
    grid = tmp_path / "second" / "grid.csv"
    lines = grid.read_text().splitlines(keepends=True)
    count = {"rows": len(lines) - 1, "sha256": hash_grid(grid)}
    write_json(tmp_path / "second" / "made.json", {"0a1b": {"grid": count}, "older": {"code": {}}})
    require_whole_grid(grid, tmp_path / "second" / "made.json")
    grid.write_text("".join(lines[:41]))
    rule = rf"second/grid\.csv must be as it was collected, with {len(lines) - 1} rows, but it has changed and has 40"
    with pytest.raises(ValueError, match=rule):
        main(tmp_path / "second")
    assert not (tmp_path / "second" / "report.html").exists()
