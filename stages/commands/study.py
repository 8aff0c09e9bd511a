"""A study's folder, as `collect` wrote it → its record, figures and report: for a second study beside metrics/."""

from pathlib import Path

from stages.analyze import main as analyze
from stages.figures import main as figures
from stages.io.command import run
from stages.io.settings import read_settings
from stages.report import main as report

VERSIONS, TEMPLATES = Path("constraints.txt"), Path("stages/templates")


def main(folder: Path, /) -> None:
    """Do to FOLDER what `dvc repro metrics/dvc.yaml` does to metrics, with the settings of `analyze` in params.yaml.

    Args:
        folder: such as metrics/pool, after `python -m stages.commands.collect --folder metrics/pool`
    """
    names = ("grid.csv", "scores.parquet", "study.json", "examples.parquet", "made.json", "histograms")
    grid, scores, study, examples, made, histograms = (folder / name for name in names)
    analyze(grid, scores, study, folder / "correlations.csv", **read_settings(Path("params.yaml"))["analyze"])
    figures(study, grid, histograms, folder / "figures", folder / "main.svg")
    report(study, grid, examples, made, histograms, VERSIONS, TEMPLATES, folder / "report.html")
    print(f"{folder / 'report.html'}, {folder / 'main.svg'} and the other figures are there")


if __name__ == "__main__":
    run(main)
