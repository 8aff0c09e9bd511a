"""bake-off: what is run, what --report writes from a folder's cells, and what is left out."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.planted_bake_off import plant_bake_off
from m2m.commands import bake_off
from m2m.grid import pool_counts, sweep
from m2m.grid.named_parts import PoolCounts
from m2m.runtime.artifacts import write_json, write_table
from m2m.schemas.grid import Grid
from m2m.schemas.scores import Scores
from m2m.study.study_file import hash_grid

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "profiles/launch", tmp_path / "profiles/launch")
    text = (ROOT / "params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("resamples: 10000", "resamples: 400"))
    return tmp_path


def write_cells(folder: Path) -> None:
    grid, scores = plant_bake_off({"longest": 0.08, "instag": -0.08}, np.random.default_rng(7))
    write_table(folder / "grid.csv", Grid, grid)
    write_table(folder / "scores.parquet", Scores, scores.sort("experiment", "outcome", "id"))
    rows = {"grid": {"rows": grid.height, "sha256": hash_grid(folder / "grid.csv")}}
    write_json(folder / "made.json", {"one": rows})


def test_the_report_of_a_folder_is_its_record_figure_and_answer(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "run_grid", None)  # nothing is run
    write_cells(here / "metrics/own-bake-off")
    bake_off.main(report=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "At equal rows (500), 1 of 2 selectors beats random: longest."
    assert lines[-1] == "written: metrics/own-bake-off/bake_off.json, metrics/own-bake-off/bake_off.svg and .png"
    record = json.loads(Path("metrics/own-bake-off/bake_off.json").read_text())
    assert [row["strategy"] for row in record["selectors"]] == ["instag", "longest"] * 2
    assert "gain over random, bpb" in Path("metrics/own-bake-off/bake_off.svg").read_text()


def test_a_report_without_cells_names_the_command_that_runs_them(here: Path) -> None:
    with pytest.raises(ValueError, match=r"grid\.csv must hold the cells of a bake-off, .* run `m2m bake-off`"):
        bake_off.main(report=True)


def test_a_table_that_was_cut_is_refused(here: Path) -> None:
    write_cells(here / "metrics/own-bake-off")
    table = here / "metrics/own-bake-off/grid.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-2]) + "\n")
    with pytest.raises(ValueError, match=r"grid\.csv must be as it was collected, with 36 rows"):
        bake_off.main(report=True)


def test_the_grid_of_the_selectors_is_run_and_those_left_out_are_named(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    def run(settings: Any, scope: str, jobs: int, folder: Path, make_parts: Any) -> None:
        made.append((scope, jobs, folder, make_parts(settings)))

    monkeypatch.setattr(pool_counts, "count_pool", lambda _: PoolCounts(7607, 95.6))
    monkeypatch.setattr(sweep, "run_grid", run)
    monkeypatch.setattr(bake_off, "write_bake_off", lambda folder, _: [f"{folder} is written"])
    bake_off.main(jobs=2, seeds=2)
    [(scope, jobs, folder, parts)] = made
    assert (scope, jobs, folder) == ("full", 2, Path("metrics/own-bake-off"))
    assert (parts["tokens"]["size"], parts["rows"]["seed"]) == ([48_000], [1, 2])
    assert "bake-off: left out: deita chooses by a number of the rows" in capsys.readouterr().out


def test_a_report_of_named_selectors_is_refused(here: Path) -> None:
    with pytest.raises(ValueError, match="--report takes the cells as they are"):
        bake_off.main(report=True, selectors=("longest",))


@pytest.mark.parametrize(
    ("options", "change", "rule"),
    [
        ({"seeds": 1}, "", "seeds must be at least 2, got 1"),
        ({"selectors": ("longst",)}, "", "did you mean longest"),
        ({}, "quality_share: 0.5", r"needs subset\.quality_share 1\.0, got 0\.5"),
    ],
)
def test_what_cannot_be_run_is_refused_before_the_grid_starts(
    here: Path, monkeypatch: pytest.MonkeyPatch, options: Any, change: str, rule: str
) -> None:
    monkeypatch.setattr(sweep, "run_grid", None)  # nothing is run
    if change:
        text = Path("params.yaml").read_text().replace("quality: null", "quality: score")
        Path("params.yaml").write_text(text.replace("quality_share: 1.0", change))
    with pytest.raises(ValueError, match=rule):
        bake_off.main(**options)
