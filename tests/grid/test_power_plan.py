"""What a plan of power reads: the noise of a study's folder, and the comparisons that a grid makes."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.grid.power_plan import plan_comparisons, read_noise
from m2m.grid.study_places import choose_noise_folder
from m2m.runtime.artifacts import write_table
from m2m.schemas.grid import Grid
from m2m.schemas.scores import Scores

SUBSET = {"strategy": "response-micro", "match": "response-micro", "degree": 3, "size": 500, "seed": 1}
SUBSET |= {"min_tokens": 1, "max_tokens": 100, "budget": "rows", "weights": "inverse", "slack": 1.5, "lengths": "free"}
SUBSET |= {"prefilter": "random", "prefilter_share": 1.0}
STRATEGIES = {"strategy": ["instruction-macro", "response-micro"], "degree": [0, 2, 4, 6], "seed": [1, 2]}
PARTS = {
    "strategies": STRATEGIES,
    "as-random": STRATEGIES | {"strategy": ["response-micro"], "lengths": ["as-random"], "seed": [1, 2, 3]},
    "random": {"strategy": ["random"], "seed": [1, 2, 3, 4, 5]},
    "longest": {"strategy": ["longest"], "seed": [1, 2]},
}
SETTINGS: dict[str, Any] = {"subset": SUBSET, "grid": {"parts": PARTS, "staged": {"keep": [4, 2], "fresh": [101, 102]}}}
PROMPTS = 40


def test_the_family_is_all_that_may_become_a_headline_of_the_largest_setting() -> None:
    """13 configurations; the free setting has 8 and longest, two slopes and two tests of equal degrees."""
    grid = plan_comparisons(SETTINGS, "full")
    assert grid.full == (13, 2, 5, 9 + 2 * 2) and not grid.staged
    assert plan_comparisons(SETTINGS, "staged") == grid._replace(staged=True)


def test_a_configuration_that_parts_list_with_other_values_of_an_unread_setting_counts_once() -> None:
    micro = {"strategy": ["response-micro"], "match": ["response-micro"], "slack": [2], "seed": [1]}
    again = micro | {"match": ["response-macro"], "slack": [2.0], "seed": [2]}
    parts = {"one": micro, "two": again, "random": PARTS["random"]}
    settings = {**SETTINGS, "grid": {**SETTINGS["grid"], "parts": parts}}
    assert plan_comparisons(settings, "full").full[:3] == (1, 2, 5)


def test_a_grid_without_random_compares_nothing() -> None:
    settings = {**SETTINGS, "grid": {**SETTINGS["grid"], "parts": {"strategies": STRATEGIES}}}
    with pytest.raises(ValueError, match="compares nothing with random"):
        plan_comparisons(settings, "full")


def write_study(folder: Path, noise: float, tilt: float) -> None:
    """A grid whose configurations have noise of prompts `tilt` / √40, the same for all seeds."""
    grid = planted_grid(noise=noise, seeds=8, random=8)
    write_table(folder / "grid.csv", Grid, grid)
    rng = np.random.default_rng(1)
    moves: dict[tuple[str, int], Any] = {}
    tables = []
    for row in grid.sort("experiment").to_dicts():
        move = moves.setdefault((row["strategy"], row["degree"]), rng.normal(0, tilt, PROMPTS))
        move = move * (row["strategy"] != "random")
        scores = row["bpb_reduction"] + move - move.mean()
        names = [f"p{place:02d}" for place in range(PROMPTS)]
        columns = {"experiment": row["experiment"], "outcome": "bpb_reduction", "id": names}
        tables.append(pl.DataFrame(columns | {"score": scores, "weight": np.ones(PROMPTS)}))
    write_table(folder / "scores.parquet", Scores, pl.concat(tables))


def test_the_noise_of_a_folder_is_the_planted_one(tmp_path: Path) -> None:
    write_study(tmp_path, 0.01, 0.05)
    noise, source, unit = read_noise(tmp_path)
    assert noise.sd == pytest.approx(0.01, rel=0.1) and noise.seed_sd < 0.004 and noise.df == 25 * 8 - 25 - 7
    assert noise.prompt_sd == pytest.approx(0.05 / np.sqrt(PROMPTS), rel=0.1) and noise.cell_prompt_sd < 1e-9
    assert noise.prompt_groups == PROMPTS
    assert (source, unit) == (f"200 cells of {tmp_path / 'grid.csv'}", "bpb")


def test_a_setting_with_random_cells_of_its_own_gives_the_noise_before_a_larger_one(tmp_path: Path) -> None:
    smaller = planted_grid({"response-micro": 0.0}, noise=0.01, seeds=8, random=8)
    larger = planted_grid(noise=0.05, seeds=8, random=0).with_columns(
        experiment=pl.format("{}-r", "experiment"), lengths=pl.lit("as-random")
    )
    write_table(tmp_path / "grid.csv", Grid, pl.concat([smaller, larger]))
    noise, source, _ = read_noise(tmp_path)
    assert source.startswith(f"{smaller.height} cells of") and noise.sd == pytest.approx(0.01, rel=0.3)


def test_the_nearest_study_gives_the_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("metrics", "metrics/pilot", "metrics/own"):
        Path(folder).mkdir(exist_ok=True)
        (Path(folder) / "grid.csv").touch()
        assert choose_noise_folder(None) == Path(folder)
    with pytest.raises(ValueError, match=r"there is no grid\.csv in metrics/mine\. Run `m2m grid --pilot`"):
        choose_noise_folder(Path("metrics/mine"))
