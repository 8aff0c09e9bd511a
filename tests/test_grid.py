"""`make grid` itself, in a copy of the repository with tiny settings: it ends well, also after a power cut."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import psutil
import pytest

from tests.test_smoke import (
    ROOT,
    TINY,
    commit,
    copy_of_the_repository,
    environment,
    mlflow_runs,
    run,
    settle,
    share_the_cache,
)

PARTS = {"strategies": {"strategy": ["response-micro"], "degree": [2], "seed": [1, 101]}}
GRID = (sys.executable, "-m", "m2m", "grid", "--jobs", "1")
CELLS = 5  # one of the first rung; two fresh seeds of it and of random


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy with tiny settings and a staged grid of five cells, whose shared stages have run."""
    folder = tmp_path_factory.mktemp("grid")
    copy_of_the_repository(folder)
    shutil.copy(ROOT / "dvc.lock", folder)  # git has to know it: what it does not know is not in a cell's copy
    rungs = {"grid.parts": PARTS, "grid.staged": {"keep": [1], "fresh": [101, 102]}}
    settle(folder, TINY | {"judge.engines": ["likelihood", "similarity"]} | rungs)
    run(folder, "git", "init", "--quiet", "--initial-branch=main")
    commit(folder, "copy")
    share_the_cache(folder, tmp_path_factory)
    return folder


def experiments(folder: Path) -> Any:
    return set(run(folder, "dvc", "exp", "list", "--all-commits", "--names-only").split())


def started(folder: Path) -> Any:
    """The grid as a process of its own, whose words go to a file."""
    with (folder.parent / "grid.log").open("w") as log:
        return subprocess.Popen(GRID, cwd=folder, env=environment(), stdout=log, stderr=log)


@pytest.fixture(scope="module")
def cut(repository: Path) -> Path:
    """The copy after a power cut: driver, worker and cell were killed while the second rung ran."""
    driver = started(repository)
    told = repository.parent / "grid.log"
    for _ in range(1800):  # a machine with other work is slow
        time.sleep(1)
        assert driver.poll() is None, told.read_text()
        if re.search(r"rung 2 of 2.*grid: 1 done, [1-9] running", told.read_text(), re.DOTALL):
            break
    family = [*psutil.Process(driver.pid).children(recursive=True), psutil.Process(driver.pid)]
    for one in family:
        one.send_signal(signal.SIGKILL)
    driver.wait()
    assert len(experiments(repository)) == 2
    return repository


@pytest.fixture(scope="module")
def ended(cut: Path) -> tuple[Path, Any]:
    """The copy after the same command again, and what that said."""
    return cut, run(cut, *GRID)


@pytest.mark.long
def test_after_a_power_cut_the_same_command_ends_with_all_cells(ended: tuple[Path, Any]) -> None:
    folder, told = ended
    assert "grid: rung 2 of 2, the best 1 of 1 and random with 2 fresh seeds; 2 of 5 cells exist" in told
    assert f"grid: all {CELLS} cells exist" in told
    assert len(experiments(folder)) == CELLS


@pytest.mark.long
def test_no_cell_was_trained_to_its_end_twice(ended: tuple[Path, Any]) -> None:
    trained = [cell for arm, cell, _ in mlflow_runs(ended[0]) if arm == "candidate"]
    assert len(trained) == len(set(trained)) == CELLS


@pytest.mark.long
def test_the_grid_is_collected_a_row_a_cell_of_one_provenance(ended: tuple[Path, Any]) -> None:
    grid = pl.read_csv(ended[0] / "metrics/own/grid.csv")
    assert grid.select("strategy", "degree", "seed", "fresh").sort("strategy", "seed").rows() == [
        ("random", 0, 101, 1),
        ("random", 0, 102, 1),
        ("response-micro", 2, 1, 0),
        ("response-micro", 2, 101, 1),
        ("response-micro", 2, 102, 1),
    ]
    assert set(grid["experiment"]) == experiments(ended[0])
    assert grid["provenance"].n_unique() == 1
    scores = pl.read_parquet(ended[0] / "metrics/own/scores.parquet")
    assert set(scores["experiment"]) == set(grid["experiment"])


@pytest.mark.long
def test_the_scores_of_a_cell_make_its_outcomes(ended: tuple[Path, Any]) -> None:
    scores = pl.read_parquet(ended[0] / "metrics/own/scores.parquet")
    made = scores.group_by("experiment", "outcome").agg(worth=pl.col("score").sum() / pl.col("weight").sum())
    grid = pl.read_csv(ended[0] / "metrics/own/grid.csv")
    for outcome in ("bpb_reduction", "likelihood_win_rate", "similarity_win_rate"):
        both = made.filter(pl.col("outcome") == outcome).join(grid, on="experiment")
        assert both.height == grid.height
        assert both["worth"].to_list() == pytest.approx(both[outcome].to_list(), abs=1e-4)


@pytest.mark.long
def test_the_study_is_told_of_these_cells(ended: tuple[Path, Any]) -> None:
    study = json.loads((ended[0] / "metrics/own/study.json").read_text())
    assert [setting["cells"] for setting in study["settings"]] == [CELLS]
    [row] = [row for row in study["confirmed"] if row["outcome"] == "bpb_reduction"]
    assert (row["strategy"], row["cells"], row["against_cells"]) == ("response-micro", 2, 2)
    assert (ended[0] / "metrics/own/report.html").exists()


@pytest.mark.long
def test_the_bundled_study_stays_as_it_was(ended: tuple[Path, Any]) -> None:
    for name in ("grid.csv", "study.json", "main.svg"):
        assert (ended[0] / "metrics" / name).read_bytes() == (ROOT / "metrics" / name).read_bytes()


@pytest.mark.long
def test_cells_of_one_form_are_there_for_another_which_runs_none(ended: tuple[Path, Any]) -> None:
    folder = ended[0]
    before = experiments(folder)
    assert "grid: 2 of 2 cells exist" in run(folder, *GRID, "--full")
    assert experiments(folder) == before


@pytest.mark.long
def test_cells_of_other_code_are_kept_apart(ended: tuple[Path, Any]) -> None:
    folder = ended[0]
    with (folder / "stages/measure.py").open("a") as code:
        code.write("# changed\n")
    commit(folder, "measured in another way")
    told = run(folder, sys.executable, "-m", "m2m", "collect")
    assert "0 cells of this code, data and settings" in told
    assert f"counted separately, other cells: {CELLS} of" in told
