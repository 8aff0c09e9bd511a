"""Reads what a plan of power needs: the noise of a study, and the comparisons that the planned grid makes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float

from m2m.grid.design import NO_PREFILTER, Cell, Scope, drop_repeated, identify_cell, list_cells
from m2m.grid.study_places import BUNDLED_STUDY
from m2m.planning.power import FullGrid
from m2m.planning.power_report import PlannedGrid
from m2m.planning.seed_noise import SeedNoise, estimate_prompt_noise, estimate_seed_noise
from m2m.planning.staging import check_schedule
from m2m.runtime.artifacts import read_table
from m2m.schemas.grid import Grid
from m2m.schemas.scores import Scores
from m2m.strategies import get_strategy
from m2m.study.analysis.other_prompts import ENOUGH_GROUPS, arrange_scores
from m2m.study.cells.cells import SETTING, get_column, select_comparable, select_outcome, split_cells
from m2m.study.cells.labels import CONFIGURATION, UNDER
from m2m.study.cells.outcomes import MAIN, get_unit, list_outcomes


def plan_comparisons(settings: Mapping[str, Any], scope: Scope) -> PlannedGrid:
    """The comparisons with random of the grid: each configuration has as many seeds as the one with fewest."""
    form: Scope = "full" if scope == "staged" else scope
    cells = list_cells(settings["grid"]["parts"], settings["subset"], form)
    seeds = Counter(identify_cell({**cell, "seed": 0}) for cell in cells if cell["strategy"] != "random")
    randoms = Counter(identify_cell({**cell, "seed": 0}) for cell in cells if cell["strategy"] == "random")
    if not seeds or not randoms:
        raise ValueError("the grid compares nothing with random: grid.parts needs a strategy and random.")
    full = FullGrid(len(seeds), min(seeds.values()), max(randoms.values()), _count_tests(cells))
    return PlannedGrid(full, check_schedule(**settings["grid"]["staged"]), scope == "staged")


def _count_tests(cells: Sequence[Cell]) -> int:
    """All that may become a headline of the setting with most: comparisons with random, slopes and equal degrees."""
    tests: Counter[str] = Counter()
    degrees: dict[tuple[str, str], set[int]] = {}
    for cell in drop_repeated([{**cell, "seed": 0} for cell in cells if cell["strategy"] != "random"]):
        setting = str([cell.get(name) for name in ("size", *UNDER, *NO_PREFILTER)])
        tests[setting] += 1
        if get_strategy(cell["strategy"]).has_units:
            degrees.setdefault((setting, cell["strategy"]), set()).add(cell["degree"])
    for (setting, _), dialled in degrees.items():
        tests[setting] += 2 * (len(dialled) > 1)
    return max(tests.values())


def read_noise(folder: Path) -> tuple[SeedNoise, str, str]:
    """The noise of the study in `folder`, what it is from, and the outcome's unit.

    It is that of the first main outcome, in the setting with most cells; one with random cells goes first.
    """
    cells = select_comparable(read_table(folder / "grid.csv", Grid))
    outcome = next((name for name in list_outcomes(cells) if name in MAIN), "")
    if not outcome:
        raise ValueError(f"{folder / 'grid.csv'} has none of the outcomes {', '.join(MAIN)}.")
    settings = [table for _, table in split_cells(select_outcome(cells, outcome), *SETTING)]
    table = max(settings, key=lambda table: ((table["strategy"] == "random").any(), table.height)).sort("experiment")
    labels = table.select(pl.struct(CONFIGURATION).rank("dense")).to_series().to_numpy().astype(np.int64)
    noise = estimate_seed_noise(get_column(table), labels, table["seed"].to_numpy())
    words = f"{table.height} cells of {folder / 'grid.csv'}"
    if folder == BUNDLED_STUDY:
        words += ", the bundled study; for your pool and model run `m2m grid --pilot`"
    try:
        rows = read_table(folder / "scores.parquet", Scores).filter(pl.col("outcome") == outcome)
        influences = _compute_influences(rows, table["experiment"].to_list())
        prompt_sd, cell_sd = estimate_prompt_noise(influences, labels, (table["strategy"] == "random").to_numpy())
    except (OSError, ValueError) as error:
        return noise, f"{words} (noise of prompts left out: {error})", get_unit(outcome)
    prompts = {"prompt_sd": prompt_sd, "cell_prompt_sd": cell_sd, "prompt_groups": influences.shape[1]}
    return noise._replace(**prompts), words, get_unit(outcome)


def _compute_influences(scores: pl.DataFrame, experiments: list[str]) -> Float[np.ndarray, "cells prompts"]:
    """What each group of prompts adds to a cell's outcome about its mean. ValueError where a cell has no scores."""
    if not set(experiments) <= set(scores["experiment"]):
        raise ValueError("not every cell has scores by prompt")
    scores = scores.filter(pl.col("experiment").is_in(experiments))
    by = "group" if "group" in scores.columns and scores["group"].n_unique() >= ENOUGH_GROUPS else "id"
    score, weight = arrange_scores(scores, experiments, by)
    totals = weight.sum(axis=1, keepdims=True)
    return np.asarray((score - score.sum(axis=1, keepdims=True) / totals * weight) / totals)
