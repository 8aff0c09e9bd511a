"""Study, grid and histograms → the figures, each as SVG and PNG."""

from pathlib import Path

from m2m.runtime.artifacts import read_table
from m2m.runtime.atomic_files import write_text
from m2m.runtime.cli import run
from m2m.schemas.grid import Grid
from m2m.schemas.histogram import Histogram
from m2m.study.cells.cells import select_comparable
from m2m.study.figures.all_figures import draw_figures
from m2m.study.figures.save import render_svg, write_figure
from m2m.study.figures.style import MAIN_SCALE, SIDE_NAMES, join_panels
from m2m.study.study_file import read_study


def main(study: Path, grid: Path, histograms: Path, figures: Path, main_figure: Path, /) -> None:
    """`histograms` holds a file a side. `figures` becomes a folder; `main_figure` is its first figure, larger."""
    bands = {side: read_table(histograms / f"{side}.csv", Histogram) for side in SIDE_NAMES}
    charts = {
        figure.name: join_panels(figure)
        for figure in draw_figures(read_study(study), select_comparable(read_table(grid, Grid)), bands)
    }
    for name, chart in charts.items():
        write_figure(figures / name, chart)
    write_text(main_figure, render_svg(next(iter(charts.values())), MAIN_SCALE))


if __name__ == "__main__":
    run(main)
