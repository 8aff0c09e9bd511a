"""`grid --sizes` runs the sizes and the whole pool; `recommend --sizes` says how many rows are enough."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.planted_sizes import plant_sizes
from m2m.commands import grid, recommend
from m2m.grid import pool_counts, sweep
from m2m.grid.named_parts import PoolCounts
from m2m.runtime.artifacts import write_json, write_table
from m2m.schemas.grid import Grid
from m2m.study.study_file import hash_grid

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "profiles/launch", tmp_path / "profiles/launch")
    return tmp_path


def test_the_grid_runs_every_size_and_draws_the_curve(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    def run(settings: Any, scope: str, jobs: int, folder: Path, options: None, make_parts: Any) -> None:
        made.append((scope, folder, make_parts(settings)))
        write_table(folder / "grid.csv", Grid, plant_sizes(np.random.default_rng(3)))
        write_json(folder / "made.json", {"one": {"grid": {"rows": 20, "sha256": hash_grid(folder / "grid.csv")}}})

    monkeypatch.setattr(pool_counts, "count_pool", lambda _: PoolCounts(8000, 96.0))
    monkeypatch.setattr(sweep, "run_grid", run)
    grid.main(sizes=True)
    assert [(scope, folder, parts["whole"]["size"]) for scope, folder, parts in made] == [
        ("full", Path("metrics/own-sizes"), [8000])
    ]
    assert "rows reach 95 % of what the whole pool gains" in capsys.readouterr().out
    assert Path("metrics/own-sizes/sizes.svg").exists()
    recommend.main(Path("metrics/own-sizes"), sizes=True, write=Path("DECISION.md"))
    printed = capsys.readouterr().out
    recommend.main(sizes=True)
    assert capsys.readouterr().out == printed
    with pytest.raises(ValueError, match="--outcome, --within and --rows are of a recommendation"):
        recommend.main(sizes=True, within=0.01)
    assert printed.startswith("metrics/own-sizes/grid.csv: 20 cells.\n\nRandom: ")
    assert Path("DECISION.md").read_text().startswith("# How many rows are enough\n")
    table = Path("metrics/own-sizes/grid.csv")
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    with pytest.raises(ValueError, match=r"grid\.csv must be as it was collected, with 20 rows"):
        recommend.main(sizes=True)


def test_a_share_that_leaves_rows_out_is_refused_before_the_grid_starts(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "run_grid", None)  # nothing is run
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("quality: null", "quality: score"))
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("quality_share: 1.0", "quality_share: 0.5"))
    with pytest.raises(ValueError, match=r"subset\.quality_share 1\.0, got 0\.5"):
        grid.main(sizes=True)


def test_two_forms_and_a_folder_without_cells_are_refused(here: Path) -> None:
    with pytest.raises(ValueError, match="a grid has one form, got --sizes and --quick"):
        grid.main(sizes=True, quick=True)
    with pytest.raises(ValueError, match=r"metrics/sizes/grid\.csv must hold cells of several sizes"):
        recommend.main(sizes=True)
    with pytest.raises(ValueError, match=r"must hold cells of several sizes of a strategy: .* got 1 and"):
        recommend.main(ROOT / "metrics/made.json", sizes=True)
