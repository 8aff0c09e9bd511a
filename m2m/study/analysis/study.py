"""The grid → the study's one record: effects, their uncertainty, what explains them, and a verdict in words."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from m2m.study.analysis.against_random import compare_with_matched, compare_with_random, summarize_random
from m2m.study.analysis.degree_tests import inspect_degrees
from m2m.study.analysis.length_confound import regress_on_length
from m2m.study.analysis.metric_correlations import correlate_metrics
from m2m.study.analysis.other_prompts import PromptBootstrap
from m2m.study.analysis.paper_claims import HERO, judge_claims
from m2m.study.analysis.paper_results import compare_with_paper
from m2m.study.analysis.setting_slopes import fit_slopes
from m2m.study.analysis.verdict import write_verdict
from m2m.study.cells.cells import SETTING, select_comparable, split_cells
from m2m.study.cells.labels import UNDER
from m2m.study.cells.outcomes import MAIN, list_outcomes
from m2m.study.cells.rows import StudyRow, round_digits


def build_study(grid: pl.DataFrame, scores: pl.DataFrame, seed: int, resamples: int) -> dict[str, Any]:
    """Everything that is told of `grid` (schema Grid); `scores` (schema Scores) may be empty.

    Lists of flat rows, each with its outcome, condition and size; a row without numbers has a `reason`. Cells of
    another provenance are left out and counted. ValueError for a grid without cells or without outcome.
    """
    cells = select_comparable(grid)
    worth = list_outcomes(cells)
    if not set(MAIN) & set(worth):
        raise ValueError(
            f"the grid has {cells.height} cells, none with {' or '.join(MAIN)}: give `benchmark` prompts with "
            "references, or let an LLM judge the cells against the opponent (judge.engines, judge.against), and run "
            "`make grid`"
        )
    record: dict[str, Any] = {"cells": cells.height, "cells_left_out": grid.height - cells.height, "outcomes": worth}
    record |= {"provenance": cells["provenance"][0], "settings": _settings(cells)}
    prompts = {name: PromptBootstrap(scores.filter(pl.col("outcome") == name), seed, resamples) for name in worth}
    record |= _effects(cells, prompts)
    record |= _explanations(cells, [outcome for outcome in MAIN if outcome in worth])
    record |= {"paper": compare_with_paper([row for row in record["slopes"] if row["outcome"] in MAIN])}
    return dict(round_digits(record | {"verdict": write_verdict(record)}))


def _effects(cells: pl.DataFrame, worth: Mapping[str, PromptBootstrap]) -> dict[str, Any]:
    return {
        "floors": [row for outcome in worth for row in summarize_random(cells, outcome)],
        "against_random": [
            row for outcome, prompts in worth.items() for row in compare_with_random(cells, outcome, prompts)
        ],
        "matched": [row for outcome in worth for row in compare_with_matched(cells, outcome, HERO)],
        "slopes": [row for outcome, prompts in worth.items() for row in fit_slopes(cells, outcome, prompts)],
        "shapes": [row for outcome in worth for row in inspect_degrees(cells, outcome)],
    }


def _explanations(cells: pl.DataFrame, worth: list[str]) -> dict[str, Any]:
    return {
        "lengths": [row for outcome in worth for row in regress_on_length(cells, outcome)],
        "metrics": [row for outcome in worth for row in correlate_metrics(cells, outcome)],
        "claims": [row for outcome in worth for row in judge_claims(cells, outcome)],
    }


def _settings(cells: pl.DataFrame) -> list[StudyRow]:
    """The setting with most cells, the main one, comes first."""
    told = [
        key
        | {
            "cells": part.height,
            "random_cells": part.filter(pl.col("strategy") == "random").height,
            **{name: part[name][0] for name in UNDER},
            "strategies": part["strategy"].unique().sort().to_list(),
        }
        for key, part in split_cells(cells, *SETTING)
    ]
    return sorted(told, key=lambda setting: -setting["cells"])
