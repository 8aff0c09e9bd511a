"""Study, grid and histograms → the figures, each as SVG and PNG."""

from pathlib import Path
from shutil import copyfile

from stages.core.cells import comparable
from stages.core.charts import SIDES, composed
from stages.core.figures import figures as drawn
from stages.io.command import run
from stages.io.drawings import write_drawing
from stages.io.records import read_json
from stages.io.tables import read_table
from stages.schemas.grid import Grid
from stages.schemas.histogram import Histogram


def main(study: Path, grid: Path, histograms: Path, figures: Path, first: Path, /) -> None:
    """`histograms` holds a file a side; `figures` becomes a folder, `first` the main figure once more."""
    bands = {side: read_table(histograms / f"{side}.csv", Histogram) for side in SIDES}
    found = drawn(read_json(study), comparable(read_table(grid, Grid)), bands)
    for figure in found:
        write_drawing(figures / figure.name, composed(figure))
    copyfile(figures / f"{found[0].name}.svg", first)


if __name__ == "__main__":
    run(main)
