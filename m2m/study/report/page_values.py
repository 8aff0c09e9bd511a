"""Study, cells and what they were made of → the values that the report's template shows."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple

import polars as pl
from markupsafe import Markup

from m2m.schemas.made import Made
from m2m.schemas.study import Study
from m2m.schemas.study_rows import SettingRow
from m2m.study.analysis.headline import EXPLORATORY
from m2m.study.cells.outcomes import MAIN
from m2m.study.figures.all_figures import draw_figures
from m2m.study.figures.save import list_descriptions, render_svg
from m2m.study.figures.style import Figure, apply_style
from m2m.study.report.answer_examples import BASE_NAME, arrange_answers, pick_shown_cells
from m2m.study.report.origin import describe_days, describe_origin, list_benchmarks
from m2m.study.report.recommendation import Recommendation
from m2m.study.report.tables import build_cell_table, build_tables, describe_runs


class PageFigure(NamedTuple):
    """A figure of the page: panels as SVG, one by one so that a narrow window can stack them, and the same in words."""

    name: str
    title: str
    caption: str
    panels: list[Markup]
    descriptions: list[str]


class PageFigures(NamedTuple):
    """The main figure, those before and after the tables, and those of each other outcome."""

    main: PageFigure | None
    before_tables: list[PageFigure]
    after_tables: list[PageFigure]
    by_outcome: dict[str, list[PageFigure]]


def build_answer(study: Study, cells: pl.DataFrame, shared: Made) -> dict[str, Any]:
    """What the first screen shows: the answer and what it is about; `shared` as `collect` recorded it."""
    outcome = study["outcomes"][0]
    verdicts = [row for row in study["verdict"] if row["outcome"] == outcome]
    facts = (
        describe_origin(shared.get("commands", {}), shared.get("base", {}), _count_rows(cells))
        | {"When": describe_days(shared.get("days", {})), "Runs": _count_runs(study)}
        | _count_prompts(study, outcome, list_benchmarks(shared.get("commands", {})))
    )
    facts |= {"Version": study["provenance"]}
    return {
        "study": study,
        "answer": verdicts[0],
        "answer_parts": split_lead(verdicts[0]["headline"]),
        "verdicts": verdicts[1:],
        "hypotheses": study.get("hypotheses", []),
        "registered_note": _describe_registered(study),
        "facts": facts,
        "meaning": " ".join([MAIN[outcome].meaning, *describe_scale(cells, study["settings"][0], outcome)]),
    }


def _describe_registered(study: Study) -> str:
    """What the registered hypotheses rest on; empty where there are none."""
    family = study.get("family", [])
    tested = [row for row in family if "p_holm" in row]
    if not family:
        return ""
    return (
        f"These hypotheses, their cells and tests were written down before the first cell ran. {len(tested)} of "
        f"{len(family)} registered tests could be computed, and Holm’s p allows for them. {EXPLORATORY}"
    )


def split_lead(headline: str) -> tuple[str, str]:
    """The first two sentences, the setting and its answer, and the rest: together the headline."""
    ends = [match.end() for match in re.finditer(r"\. ", headline)]
    place = ends[1] if len(ends) > 1 else len(headline)
    return headline[:place], headline[place:]


def list_commands(advice: Sequence[Recommendation], study_path: PurePath) -> list[tuple[str, str]]:
    """What each command of the page makes, and the command: rows of a person's own file, and of this pool, by setting.

    A command that two settings share stands once, and last the recommendation itself.
    """
    own = [(f"Such rows of your own file, {item.setting}", item.own_file) for item in advice]
    rows = [(f"The recommended rows, {item.setting}", item.command) for item in advice]
    titles: dict[str, str] = {}
    for title, command in (*own, *rows):
        titles.setdefault(command, title)
    first = [(title, command) for command, title in titles.items() if command]
    return [*first, ("The recommendation as text", f"python -m m2m recommend {shlex.quote(study_path.as_posix())}")]


def build_body(
    study: Study, cells: pl.DataFrame, examples: pl.DataFrame, histograms: Mapping[str, pl.DataFrame]
) -> dict[str, Any]:
    """What stands below: figures, tables, the verdicts on other outcomes, and answers; tables as in their schemas."""
    outcome = study["outcomes"][0]
    other_outcomes = [name for name in study["outcomes"][1:] if name in MAIN]
    is_compared = pl.col("experiment").is_in([BASE_NAME, *cells["experiment"]])
    compared = examples.filter(is_compared)  # other cells, other prompts
    return {
        "figures": _arrange_figures(draw_figures(study, cells, histograms), outcome, other_outcomes),
        "others": {name: MAIN[name].phrase for name in other_outcomes},
        "other_verdicts": {
            name: [row for row in study["verdict"] if row["outcome"] == name] for name in other_outcomes
        },
        "runs": describe_runs(study, cells),
        "tables": build_tables(study),
        "cells": build_cell_table(study, cells),
        "examples": arrange_answers(compared, pick_shown_cells(cells, outcome)),
    }


def describe_scale(cells: pl.DataFrame, setting: SettingRow, outcome: str) -> list[str]:
    """A sentence that a difference in bits a byte can be held against; none for another outcome, or without bits."""
    names = ("untuned_bits_per_byte", "opponent_bits_per_byte")
    shown = cells.filter(pl.col("condition") == setting["condition"], pl.col("size") == setting["size"])
    columns = [shown[name].drop_nulls().to_list() for name in names if name in shown.columns]
    if outcome != "bpb_reduction" or len(columns) < len(names) or not all(columns):
        return []
    before, after = (sum(column) / len(column) for column in columns)
    return [f"The base model needs {before:.3f} bpb, and {after:.3f} after fine-tuning on the opponent, random rows."]


def _count_rows(cells: pl.DataFrame) -> int | None:
    """The rows of the pool that random chooses from."""
    counts = cells.filter(pl.col("strategy") == "random")["candidate_rows"]
    return None if counts.is_empty() else int(counts.max())  # type: ignore[arg-type]  # of a column of counts


def _count_runs(study: Study) -> str:
    settings, random = len(study["settings"]), sum(setting["random_cells"] for setting in study["settings"])
    place = f", in {settings} settings" if settings > 1 else ""
    return f"{study['cells']}, {random} of them random{place}"


def _count_prompts(study: Study, outcome: str, benchmarks: Sequence[str]) -> dict[str, str]:
    """The prompts with a score, and of several benchmarks those of each: one without references has none."""
    counts: dict[str, int] = {}
    for row in study["against_random"]:
        counts[row["outcome"]] = max(counts.get(row["outcome"], 0), row.get("prompts", 0))
    if not counts.get(outcome):
        return {}
    parts = [f"{name} {counts.get(f'{outcome}_{name}', 0)}" for name in benchmarks]
    by_benchmark = f" ({', '.join(parts)})" if len(parts) > 1 else ""
    return {"Evaluation prompts": f"{counts[outcome]}{by_benchmark}"}


def _arrange_figures(figures: list[Figure], outcome: str, other_outcomes: list[str]) -> PageFigures:
    pages = {figure.name: _make_page_figure(figure) for figure in figures}
    by_outcome = {name: [page for page in pages.values() if page.name.endswith(f"-{name}")] for name in other_outcomes}
    names = [name for name in (f"random-{outcome}", f"effects-{outcome}", "lengths") if name in pages]
    placed = {"main", *names, *(page.name for group in by_outcome.values() for page in group)}
    after_tables = [page for page in pages.values() if page.name not in placed]
    return PageFigures(pages.get("main"), [pages[name] for name in names], after_tables, by_outcome)


def _make_page_figure(figure: Figure) -> PageFigure:
    panels = [Markup(render_svg(apply_style(panel))) for panel in figure.panels]
    descriptions = [text for panel in figure.panels for text in list_descriptions(panel)]
    return PageFigure(figure.name, figure.title, figure.caption, panels, descriptions)
