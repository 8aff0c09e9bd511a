"""The grid → the study's one record: effects, their uncertainty, what explains them, and a verdict in words."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from m2m.study.analysis.against_random import floor_rows, matched_rows, random_rows
from m2m.study.analysis.degree_tests import shape_rows
from m2m.study.analysis.length_confound import length_rows
from m2m.study.analysis.metric_correlations import metric_rows
from m2m.study.analysis.other_prompts import Prompts
from m2m.study.analysis.paper_claims import HERO, claim_rows
from m2m.study.analysis.paper_results import paper_rows
from m2m.study.analysis.setting_slopes import slope_rows
from m2m.study.analysis.verdict import verdict
from m2m.study.cells.cells import SETTING, comparable, parts
from m2m.study.cells.labels import UNDER
from m2m.study.cells.outcomes import MAIN, outcomes
from m2m.study.cells.rows import Row, digits


def study(grid: pl.DataFrame, scores: pl.DataFrame, seed: int, resamples: int) -> dict[str, Any]:
    """Everything that is told of `grid` (schema Grid); `scores` (schema Scores) may be empty.

    Lists of flat rows, each with its outcome, condition and size; a row without numbers has a `reason`. Cells of
    another provenance are left out and counted. ValueError for a grid without cells or without outcome.
    """
    cells = comparable(grid)
    worth = outcomes(cells)
    if not set(MAIN) & set(worth):
        raise ValueError(
            f"the grid has {cells.height} cells, none with {' or '.join(MAIN)}: give `benchmark` prompts with "
            "references, or let an LLM judge the cells against the opponent (judge.engines, judge.against), and run "
            "`make grid`"
        )
    record: dict[str, Any] = {"cells": cells.height, "cells_left_out": grid.height - cells.height, "outcomes": worth}
    record |= {"provenance": cells["provenance"][0], "settings": _settings(cells)}
    prompts = {name: Prompts(scores.filter(pl.col("outcome") == name), seed, resamples) for name in worth}
    record |= _effects(cells, prompts)
    record |= _explanations(cells, [outcome for outcome in MAIN if outcome in worth])
    record |= {"paper": paper_rows([row for row in record["slopes"] if row["outcome"] in MAIN])}
    return dict(digits(record | {"verdict": verdict(record)}))


def _effects(cells: pl.DataFrame, worth: Mapping[str, Prompts]) -> dict[str, Any]:
    return {
        "floors": [row for outcome in worth for row in floor_rows(cells, outcome)],
        "against_random": [row for outcome, prompts in worth.items() for row in random_rows(cells, outcome, prompts)],
        "matched": [row for outcome in worth for row in matched_rows(cells, outcome, HERO)],
        "slopes": [row for outcome, prompts in worth.items() for row in slope_rows(cells, outcome, prompts)],
        "shapes": [row for outcome in worth for row in shape_rows(cells, outcome)],
    }


def _explanations(cells: pl.DataFrame, worth: list[str]) -> dict[str, Any]:
    return {
        "lengths": [row for outcome in worth for row in length_rows(cells, outcome)],
        "metrics": [row for outcome in worth for row in metric_rows(cells, outcome)],
        "claims": [row for outcome in worth for row in claim_rows(cells, outcome)],
    }


def _settings(cells: pl.DataFrame) -> list[Row]:
    """The setting with most cells, the main one, comes first."""
    told = [
        key
        | {
            "cells": part.height,
            "random_cells": part.filter(pl.col("strategy") == "random").height,
            **{name: part[name][0] for name in UNDER},
            "strategies": part["strategy"].unique().sort().to_list(),
        }
        for key, part in parts(cells, *SETTING)
    ]
    return sorted(told, key=lambda setting: -setting["cells"])
