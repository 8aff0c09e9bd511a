"""Study, grid, answers and histograms → the report: one HTML page that needs no network."""

from pathlib import Path

from m2m.runtime.artifacts import compute_md5, read_table
from m2m.runtime.atomic_files import write_text
from m2m.runtime.cli import run
from m2m.schemas.examples import Examples
from m2m.schemas.grid import Grid
from m2m.schemas.histogram import Histogram
from m2m.study.cells.cells import select_comparable
from m2m.study.figures.style import SIDE_NAMES
from m2m.study.report.html_page import render_page
from m2m.study.report.page_values import build_answer, build_body, list_commands
from m2m.study.report.recommendation import recommend, write_paragraphs
from m2m.study.study_file import read_made, read_study, require_made, require_whole_grid


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
    """`made` holds what the cells share, `histograms` a file a side, `versions` the versions of all packages."""
    require_whole_grid(grid, made)
    record, cells = read_study(study), select_comparable(read_table(grid, Grid))
    bands = {side: read_table(histograms / f"{side}.csv", Histogram) for side in SIDE_NAMES}
    shared = require_made(read_made(made), record["provenance"], made)
    outcome = record["outcomes"][0]
    values = build_answer(record, cells, shared)
    values |= build_body(record, cells, read_table(examples, Examples), bands)
    values |= {
        "recommendation": write_paragraphs(record, outcome),
        "commands": list_commands(recommend(record, outcome), study),
        "grid": grid.as_posix(),
        "shared": shared,
        "versions": versions.read_text(encoding="utf-8"),
        "sources": {path.as_posix(): compute_md5(path) for path in (study, grid, examples, made, versions)},
    }
    write_text(report, render_page(templates, "report", values))


if __name__ == "__main__":
    run(main)
