"""Study, grid, answers and histograms → the report: one HTML page that needs no network."""

import hashlib
from pathlib import Path

import polars as pl
from markupsafe import Markup

from m2m.runtime.artifacts import read_table
from m2m.runtime.cli import run
from m2m.runtime.records import read_json
from m2m.schemas.examples import Examples
from m2m.schemas.grid import Grid
from m2m.schemas.histogram import Histogram
from m2m.study.cells.cells import comparable
from m2m.study.cells.outcomes import MAIN
from m2m.study.figures.all_figures import draw_figures
from m2m.study.figures.save import render_svg
from m2m.study.figures.style import SIDE_NAMES, Figure, apply_style
from m2m.study.report.answer_examples import pick_shown_cells, pair_answers
from m2m.study.report.html_page import render_page
from m2m.study.report.recommendation import advice
from m2m.study.report.tables import build_cell_table, describe_runs, build_tables


def main(
    study: Path,
    grid: Path,
    examples: Path,
    made: Path,
    histograms: Path,
    versions: Path,
    templates: Path,
    report: Path,
    /,
) -> None:
    """`made` says what the cells share, `histograms` holds a file a side, `versions` the pins of all packages."""
    record, cells = read_json(study), comparable(read_table(grid, Grid))
    bands = {side: read_table(histograms / f"{side}.csv", Histogram) for side in SIDE_NAMES}
    drawn = [_drawn(figure) for figure in draw_figures(record, cells, bands)]
    outcome = record["outcomes"][0]
    told = {
        "study": record,
        "ran": describe_runs(record, cells),
        "advice": advice(record, outcome),
        "figures": drawn,
        "outcome": outcome,
        "grid": grid.as_posix(),
        "first": [f"effects-{outcome}", f"random-{outcome}", "lengths"],
        "meaning": MAIN[outcome].meaning,
        "others": {one: MAIN[one].told for one in record["outcomes"][1:] if one in MAIN},
        "sheets": build_tables(record),
        "cells": build_cell_table(record, cells),
        "examples": pair_answers(_compared(read_table(examples, Examples), cells), pick_shown_cells(cells, outcome)),
        "made": read_json(made)[record["provenance"]],
        "versions": versions.read_text(encoding="utf-8"),
        "sources": {path.as_posix(): _md5(path) for path in (study, grid, examples, made, versions)},
    }
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(render_page(templates, "report", told), encoding="utf-8")


def _compared(examples: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The answers of cells that the study is about: others may have been asked other prompts, by other code."""
    return examples.join(cells, on="experiment", how="semi", maintain_order="left")


def _drawn(figure: Figure) -> Figure:
    """Its panels one by one, so that a narrow window can stack them."""
    return figure._replace(panels=[Markup(render_svg(apply_style(panel))) for panel in figure.panels])


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    run(main)
