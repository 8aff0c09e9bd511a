"""Study, grid and histograms → the figures, each as SVG and PNG."""

from pathlib import Path
from shutil import copyfile

from m2m.runtime.artifacts import read_table
from m2m.runtime.cli import run
from m2m.schemas.grid import Grid
from m2m.schemas.histogram import Histogram
from m2m.study.cells.cells import select_comparable
from m2m.study.figures.all_figures import figures as drawn
from m2m.study.figures.save import write_drawing
from m2m.study.figures.style import SIDES, composed
from m2m.study.study_file import read_study


def main(study: Path, grid: Path, histograms: Path, figures: Path, first: Path, /) -> None:
    """`histograms` holds a file a side; `figures` becomes a folder, `first` the main figure once more."""
    bands = {side: read_table(histograms / f"{side}.csv", Histogram) for side in SIDES}
    found = drawn(read_study(study), select_comparable(read_table(grid, Grid)), bands)
    for figure in found:
        write_drawing(figures / figure.name, composed(figure))
    copyfile(figures / f"{found[0].name}.svg", first)


if __name__ == "__main__":
    run(main)
