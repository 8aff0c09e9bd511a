"""Analyse a collected study: its record, figures and report page."""

from pathlib import Path

VERSIONS, TEMPLATES = Path("constraints.txt"), Path("m2m/study/report/templates")


def main(folder: Path, /) -> None:
    """Run the analysis of metrics/dvc.yaml on FOLDER, with the settings of `analyze` in params.yaml.

    Args:
        folder: A study's folder, such as metrics/pool, from `m2m collect --folder metrics/pool`.
    """
    from m2m.grid.params.known_settings import check_settings
    from m2m.grid.params.params_file import read_settings
    from m2m.study.analysis.hypotheses import read_hypotheses
    from stages.analyze import main as analyze
    from stages.figures import main as figures
    from stages.report import main as report

    names = ("grid.csv", "scores.parquet", "study.json", "examples.parquet", "made.json", "histograms")
    grid, scores, study, examples, sources, histograms = (folder / name for name in names)
    settings = read_settings(Path("params.yaml"))
    check_settings(settings)
    flat = (folder / "correlations.csv", folder / "items.parquet")
    hypotheses = read_hypotheses(settings["analyze"]["hypotheses"])
    analyze(grid, scores, sources, study, *flat, **{**settings["analyze"], "hypotheses": hypotheses})
    figures(study, grid, histograms, folder / "figures", folder / "main.svg")
    report(study, grid, examples, sources, histograms, VERSIONS, TEMPLATES, folder / "report.html")
    print(f"written: {folder / 'report.html'}, {folder / 'main.svg'} and {folder / 'figures'}")
