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
from m2m.study.cells.cells import select_comparable
from m2m.study.cells.outcomes import MAIN
from m2m.study.figures.all_figures import figures
from m2m.study.figures.save import svg
from m2m.study.figures.style import SIDES, Figure, styled
from m2m.study.report.answer_examples import extremes, side_by_side
from m2m.study.report.html_page import page
from m2m.study.report.recommendation import write_paragraphs
from m2m.study.report.tables import cell_sheet, ran, sheets
from m2m.study.study_file import read_study


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
    record, cells = read_study(study), select_comparable(read_table(grid, Grid))
    bands = {side: read_table(histograms / f"{side}.csv", Histogram) for side in SIDES}
    drawn = [_drawn(figure) for figure in figures(record, cells, bands)]
    outcome = record["outcomes"][0]
    told = {
        "study": record,
        "ran": ran(record, cells),
        "advice": write_paragraphs(record, outcome),
        "figures": drawn,
        "outcome": outcome,
        "grid": grid.as_posix(),
        "first": [f"effects-{outcome}", f"random-{outcome}", "lengths"],
        "meaning": MAIN[outcome].meaning,
        "others": {one: MAIN[one].phrase for one in record["outcomes"][1:] if one in MAIN},
        "sheets": sheets(record),
        "cells": cell_sheet(record, cells),
        "examples": side_by_side(_compared(read_table(examples, Examples), cells), extremes(cells, outcome)),
        "made": read_json(made)[record["provenance"]],
        "versions": versions.read_text(encoding="utf-8"),
        "sources": {path.as_posix(): _md5(path) for path in (study, grid, examples, made, versions)},
    }
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(page(templates, "report", told), encoding="utf-8")


def _compared(examples: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The answers of cells that the study is about: others may have been asked other prompts, by other code."""
    return examples.join(cells, on="experiment", how="semi", maintain_order="left")


def _drawn(figure: Figure) -> Figure:
    """Its panels one by one, so that a narrow window can stack them."""
    return figure._replace(panels=[Markup(svg(styled(panel))) for panel in figure.panels])


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


if __name__ == "__main__":
    run(main)
