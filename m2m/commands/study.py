"""A study's folder, as `collect` wrote it → its record, figures and report: for a second study beside metrics/."""

from pathlib import Path

from m2m.grid.params_file import read_settings
from m2m.runtime.cli import run
from stages.analyze import main as analyze
from stages.figures import main as figures
from stages.report import main as report

VERSIONS, TEMPLATES = Path("constraints.txt"), Path("m2m/study/report/templates")


def main(folder: Path, /) -> None:
    """Do to FOLDER what `dvc repro metrics/dvc.yaml` does to metrics, with the settings of `analyze` in params.yaml.

    Args:
        folder: such as metrics/pool, after `python -m m2m.commands.collect --folder metrics/pool`
    """
    names = ("grid.csv", "scores.parquet", "study.json", "examples.parquet", "made.json", "histograms")
    grid, scores, study, examples, made, histograms = (folder / name for name in names)
    analyze(grid, scores, study, folder / "correlations.csv", **read_settings(Path("params.yaml"))["analyze"])
    figures(study, grid, histograms, folder / "figures", folder / "main.svg")
    report(study, grid, examples, made, histograms, VERSIONS, TEMPLATES, folder / "report.html")
    print(f"{folder / 'report.html'}, {folder / 'main.svg'} and the other figures are there")


if __name__ == "__main__":
    run(main)
