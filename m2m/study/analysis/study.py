"""The grid → the study: every analysis on every view, Holm's correction, and the verdict in words."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.schemas.study_rows import SettingRow
from m2m.study.analysis.against_random import IS_RANDOM, compare_with_matched, compare_with_random, summarize_random
from m2m.study.analysis.degree_tests import inspect_degrees
from m2m.study.analysis.length_confound import add_survival, regress_on_length
from m2m.study.analysis.metric_correlations import correlate_metrics
from m2m.study.analysis.other_prompts import PromptBootstrap
from m2m.study.analysis.paper_claims import HERO, judge_claims
from m2m.study.analysis.paper_results import compare_with_paper
from m2m.study.analysis.slopes import fit_slopes
from m2m.study.analysis.verdict import write_verdict
from m2m.study.analysis.view import View, list_views
from m2m.study.cells.cells import SETTING, select_comparable, split_cells
from m2m.study.cells.labels import select_rows
from m2m.study.cells.outcomes import MAIN, list_outcomes
from m2m.study.cells.rows import add_holm, round_digits


def build_study(grid: pl.DataFrame, scores: pl.DataFrame, seed: int, resamples: int) -> Study:
    """The study of `grid` (schema Grid); `scores` (schema Scores) may be empty.

    Cells of another provenance are left out and counted. A row without numbers has a `reason`. ValueError for a grid
    without cells or without a main outcome.
    """
    cells = select_comparable(grid)
    outcomes = list_outcomes(cells)
    if not set(MAIN) & set(outcomes):
        raise ValueError(
            f"the grid has {cells.height} cells, none with {' or '.join(MAIN)}. Give `benchmark` prompts with "
            "references, or let an LLM judge the cells (judge.engines, judge.against). Then run `make grid`."
        )
    study = _start_study(grid, cells, outcomes)
    for outcome in outcomes:
        prompts = PromptBootstrap(scores.filter(pl.col("outcome") == outcome), seed, resamples)
        for view in list_views(cells, outcome, prompts):
            _add_rows(study, view)
    _correct(study)
    study["verdict"] = write_verdict(study)
    return round_digits(study)


def _start_study(grid: pl.DataFrame, cells: pl.DataFrame, outcomes: list[str]) -> Study:
    return {
        "cells": cells.height,
        "cells_left_out": grid.height - cells.height,
        "provenance": cells["provenance"][0],
        "outcomes": outcomes,
        "settings": _list_settings(cells),
        "floors": [],
        "against_random": [],
        "matched": [],
        "slopes": [],
        "shapes": [],
        "lengths": [],
        "metrics": [],
        "claims": [],
        "paper": [],
        "verdict": [],
    }


def _add_rows(study: Study, view: View) -> None:
    """Every analysis of one view; what explains an outcome is asked of the main outcomes alone."""
    study["floors"] += summarize_random(view)
    study["against_random"] += compare_with_random(view)
    study["matched"] += compare_with_matched(view, HERO)
    study["slopes"] += fit_slopes(view)
    study["shapes"] += inspect_degrees(view)
    if view.outcome in MAIN:
        study["lengths"] += regress_on_length(view)
        study["metrics"] += correlate_metrics(view)
        study["claims"] += judge_claims(view)


def _correct(study: Study) -> None:
    """Holm's p of each family, and what is decided by it."""
    study["against_random"] = add_holm(study["against_random"], "outcome", *SETTING)
    study["matched"] = add_holm(study["matched"], "outcome", *SETTING)
    study["slopes"] = add_holm(study["slopes"], "outcome", "condition")
    study["shapes"] = add_holm(study["shapes"], "outcome", "condition")
    study["lengths"] = add_survival(add_holm(study["lengths"], "outcome", "condition", "model", p="diversity_p"))
    for place in _list_places(study):
        study["paper"] += compare_with_paper(place, select_rows(study["slopes"], place))


def _list_places(study: Study) -> list[Place]:
    """The main outcomes and settings that have slopes, in the order of the rows."""
    places: dict[tuple[str, str, int], None] = {}
    for row in study["slopes"]:
        if row["outcome"] in MAIN:
            places[row["outcome"], row["condition"], row["size"]] = None
    return [Place(outcome=outcome, condition=condition, size=size) for outcome, condition, size in places]


def _list_settings(cells: pl.DataFrame) -> list[SettingRow]:
    """The setting with most cells, the main one, comes first."""
    settings = [_describe_setting(key, setting) for key, setting in split_cells(cells, *SETTING)]
    return sorted(settings, key=lambda setting: -setting["cells"])


def _describe_setting(key: Mapping[str, Any], setting: pl.DataFrame) -> SettingRow:
    row: SettingRow = {
        "condition": key["condition"],
        "size": key["size"],
        "cells": setting.height,
        "random_cells": setting.filter(IS_RANDOM).height,
        "budget": setting["budget"][0],
        "min_tokens": setting["min_tokens"][0],
        "max_tokens": setting["max_tokens"][0],
        "weights": setting["weights"][0],
        "slack": setting["slack"][0],
        "strategies": setting["strategy"].unique().sort().to_list(),
    }
    if setting["lengths"][0] != "free":
        row["lengths"] = setting["lengths"][0]
    return row
