"""The grid → the study: every analysis on every view, Holm's correction, and the verdict in words."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.schemas.study_rows import SettingRow
from m2m.study.analysis.against_random import IS_RANDOM, compare_with_matched, compare_with_random, summarize_random
from m2m.study.analysis.confirmation import confirm_choices, count_configurations
from m2m.study.analysis.degree_tests import inspect_degrees
from m2m.study.analysis.hypotheses import NOT_REGISTERED, Registration
from m2m.study.analysis.hypothesis_states import judge_hypotheses
from m2m.study.analysis.length_confound import add_survival, regress_on_length
from m2m.study.analysis.metric_correlations import correlate_metrics
from m2m.study.analysis.other_prompts import draw_prompts
from m2m.study.analysis.paper_claims import judge_claims
from m2m.study.analysis.paper_results import compare_with_paper
from m2m.study.analysis.registered_family import compute_family
from m2m.study.analysis.slopes import fit_slopes
from m2m.study.analysis.verdict import write_verdict
from m2m.study.analysis.view import View, list_views
from m2m.study.cells.cells import SETTING, select_comparable, split_cells
from m2m.study.cells.labels import describe_setting, select_rows
from m2m.study.cells.outcomes import MAIN, list_outcomes
from m2m.study.cells.rows import add_holm, round_digits

LARGEST = "largest"  # the setting with most configurations: of cells, a staged grid gives the winners' more


def build_study(
    grid: pl.DataFrame,
    scores: pl.DataFrame,
    seed: int,
    resamples: int,
    primary_outcome: str = "bpb_reduction",
    primary_setting: str = LARGEST,
    registration: Registration = NOT_REGISTERED,
) -> Study:
    """The study of `grid` (schema Grid); `scores` (schema Scores) may be empty.

    The primary outcome and setting come first, and their verdict alone is more than exploratory. Cells of another
    provenance are left out and counted. A row without numbers has a `reason`. Where hypotheses were registered, they
    stand apart, and all else is exploratory. ValueError for a grid without cells, without a main outcome, or without
    the primary outcome or setting, and where a cell has fewer prompts than was registered.
    """
    cells = select_comparable(grid)
    scores = scores.join(cells, on="experiment", how="semi")  # cells left out have prompts and groups of their own
    outcomes = list_outcomes(cells)
    if not set(MAIN) & set(outcomes):
        raise ValueError(
            f"the grid has {cells.height} cells, none with {' or '.join(MAIN)}. Give `benchmark` prompts with "
            "references, or let an LLM judge the cells (judge.engines, judge.against). Then run `make grid`."
        )
    outcomes = _put_first(outcomes, primary_outcome)
    _require_registered(cells, scores, outcomes[0], primary_setting, registration)
    study = _start_study(grid, cells, outcomes, primary_setting, bool(registration.hypotheses))
    for outcome in outcomes:
        prompts = draw_prompts(scores.filter(pl.col("outcome") == outcome), seed, resamples)
        views = list(list_views(cells, outcome, prompts))
        for view in views:
            _add_rows(study, view)
        if registration.hypotheses and outcome == outcomes[0]:
            study["family"] = compute_family(_find_view(views, primary_setting), registration)
            study["hypotheses"] = judge_hypotheses(study["family"], registration, outcome)
        if confirmed := confirm_choices(cells, outcome, prompts):
            study["confirmed"] = [*study.get("confirmed", []), *confirmed]
    _correct(study)
    study["verdict"] = write_verdict(study)
    return round_digits(study)


def _put_first(outcomes: list[str], primary: str) -> list[str]:
    """The outcomes, the primary one first; ValueError unless it is a main outcome that the cells have."""
    candidates = [name for name in outcomes if name in MAIN]
    if primary not in candidates:
        raise ValueError(
            f"analyze.primary_outcome must be an outcome of the cells, {' or '.join(candidates)}, got {primary}. "
            "Set it before you look at the results."
        )
    return sorted(outcomes, key=lambda name: name != primary)


def _require_registered(
    cells: pl.DataFrame, scores: pl.DataFrame, outcome: str, primary_setting: str, registration: Registration
) -> None:
    """ValueError where the setting of the hypotheses is not named, or a cell lacks registered prompts."""
    if registration.hypotheses and primary_setting == LARGEST:
        raise ValueError(
            f"analyze.primary_setting must name the setting of the registered hypotheses, got {LARGEST}: "
            "write its words, as the profile of the study has them."
        )
    counts = dict(scores.filter(pl.col("outcome") == outcome).group_by("experiment").len().iter_rows())
    short = [name for name in cells["experiment"] if counts.get(name, 0) < registration.least_prompts]
    if short:
        raise ValueError(
            f"every cell must have at least {registration.least_prompts} prompts with a {outcome}, as "
            f"analyze.least_prompts says, but {len(short)} of {cells.height} have fewer: {short[0]} has "
            f"{counts.get(short[0], 0)}. Name every registered benchmark in benchmark.sources, with its reference."
        )


def _find_view(views: list[View], setting: str) -> View | None:
    """The view of the setting with these words; None where it has no cells."""
    words = {describe_setting({**view.place, "budget": view.cells["budget"][0]}): view for view in views}
    return words.get(setting)


def _start_study(
    grid: pl.DataFrame, cells: pl.DataFrame, outcomes: list[str], primary_setting: str, is_registered: bool
) -> Study:
    return {
        "cells": cells.height,
        "cells_left_out": grid.height - cells.height,
        "provenance": cells["provenance"][0],
        "outcomes": outcomes,
        "settings": _list_settings(cells, primary_setting, is_registered),
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
    for strategy in view.select_strategy("length-matched")["match"].unique().sort():
        study["matched"] += compare_with_matched(view, strategy)
    study["slopes"] += fit_slopes(view)
    study["shapes"] += inspect_degrees(view)
    if view.outcome in MAIN:
        study["lengths"] += regress_on_length(view)
        study["metrics"] += correlate_metrics(view)
        study["claims"] += judge_claims(view)


def _correct(study: Study) -> None:
    """Holm's p of each family, and what is decided by it.

    All that may become a headline of an outcome and setting is one family: every comparison with random, every slope,
    every test of equal degrees.
    """
    rows: list[Any] = [*study["against_random"], *study["slopes"], *study["shapes"]]
    family = add_holm(rows, "outcome", *SETTING)
    slopes_end = len(family) - len(study["shapes"])
    slopes_start = slopes_end - len(study["slopes"])
    study["against_random"], study["shapes"] = family[:slopes_start], family[slopes_end:]
    study["slopes"] = family[slopes_start:slopes_end]
    study["matched"] = add_holm(study["matched"], "outcome", *SETTING)
    study["lengths"] = add_survival(add_holm(study["lengths"], "outcome", *SETTING, "model", p="diversity_p"))
    for place in _list_places(study):
        study["paper"] += compare_with_paper(place, select_rows(study["slopes"], place))


def _list_places(study: Study) -> list[Place]:
    """The main outcomes and settings that have slopes, in the order of the rows."""
    places: dict[tuple[str, str, int], None] = {}
    for row in study["slopes"]:
        if row["outcome"] in MAIN:
            places[row["outcome"], row["condition"], row["size"]] = None
    return [Place(outcome=outcome, condition=condition, size=size) for outcome, condition, size in places]


def _list_settings(cells: pl.DataFrame, primary: str, is_registered: bool) -> list[SettingRow]:
    """The primary setting comes first, the others by their number of configurations, and then of cells.

    ValueError where the primary one has no cells, unless hypotheses are registered: then they say so.
    """
    groups = sorted(split_cells(cells, *SETTING), key=lambda pair: (-count_configurations(pair[1]), -pair[1].height))
    settings = [_describe_setting(key, setting) for key, setting in groups]
    names = [describe_setting(setting) for setting in settings]
    if primary not in (LARGEST, *names) and not is_registered:
        raise ValueError(f"analyze.primary_setting must be {LARGEST} or one of: {'; '.join(names)}. Got: {primary}")
    return sorted(settings, key=lambda setting: primary not in (LARGEST, describe_setting(setting)))


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
    if setting["peel_noise"][0] > 0:
        row["peel_noise"] = setting["peel_noise"][0]
    if setting["prefilter"][0] != "random":
        row |= {"prefilter": setting["prefilter"][0], "prefilter_share": setting["prefilter_share"][0]}
    return row
