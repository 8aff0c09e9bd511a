"""The study → which subset to take, how much it gains over random, and how certain that is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from m2m.study.report.recommendation import Recommendation


def main(
    study: Path | None = None,
    /,
    *,
    outcome: str | None = None,
    within: float | None = None,
    rows: Path | None = None,
    write: Path | None = None,
    sizes: bool = False,
) -> None:
    """Print a recommendation for each setting of the study, and what would settle it.

    Args:
        study: the study.json that `make grid` wrote. Default: metrics/own/study.json, else the bundled study.
        outcome: what the subset should be good for: bpb_reduction, likelihood_win_rate, or another outcome of the
            study. Default: the study's main outcome.
        within: Lists the configurations that are level with random within this difference. Default: three times the
            seed noise.
        rows: A new folder. Makes the rows that are recommended in the first setting, without training, and exports
            them there.
        write: A file, such as DECISION.md, that the text is written to as well.
        sizes: Print how many rows are enough, from the study of `m2m grid --sizes`, yours or else the bundled one.
    """
    if sizes:
        if outcome is not None or within is not None or rows is not None:
            raise ValueError("--outcome, --within and --rows are of a recommendation: leave them out with --sizes")
        _print_sizes(study, write)
        return
    from m2m.grid.study_places import BUNDLED_STUDY, OWN_STUDY
    from m2m.runtime.atomic_files import write_text
    from m2m.study.analysis.headline import EXPLORATORY
    from m2m.study.report.recommendation import compare_settings, recommend
    from m2m.study.study_file import read_study

    recent = OWN_STUDY / "study.json"
    path = study or (recent if recent.exists() else BUNDLED_STUDY / "study.json")
    record = read_study(path)
    measure = outcome or record["outcomes"][0]
    recommendations = recommend(record, measure)
    lines = [f"{path}: {record['cells']} cells of provenance {record['provenance']}. Outcome: {measure}."]
    lines += [EXPLORATORY] if record.get("hypotheses") else []
    lines += _describe_differences(path.parent / "made.json", record["provenance"])
    for recommendation in recommendations:
        lines += ["", *_format_lines(recommendation, within)]
    if comparisons := compare_settings(record, measure):
        lines += ["", "What a setting costs, by its random subsets against those of the first setting."]
        lines += ["These intervals cover other seeds alone.", *comparisons]
    if outcomes := [name for name in record["outcomes"] if name != measure]:
        lines += ["", f"Other outcomes (--outcome): {', '.join(outcomes)}."]
    print(*lines, sep="\n")
    if write:
        write_text(write, "\n".join(["# Decision", "", *_to_markdown(lines)]) + "\n")
    if rows:
        _make_rows(recommendations[0], rows, path.parent)


def _print_sizes(study: Path | None, write: Path | None) -> None:
    """The curve over sizes in words. `study` may name the study's folder or a file of it, or nothing."""
    from m2m.grid.study_places import choose_sizes_folder
    from m2m.runtime.artifacts import read_table
    from m2m.runtime.atomic_files import write_text
    from m2m.schemas.grid import Grid
    from m2m.study.sizes.curves import CURVE_SEED, fit_curves
    from m2m.study.sizes.words import write_sizes_answer
    from m2m.study.study_file import require_whole_grid

    folder = choose_sizes_folder() if study is None else study if study.is_dir() else study.parent
    path = folder / "grid.csv"
    if not path.exists():
        raise ValueError(f"{path} must hold cells of several sizes, and is not here: run `m2m grid --sizes`")
    require_whole_grid(path, folder / "made.json")
    grid = read_table(path, Grid)
    curves = fit_curves(grid, CURVE_SEED)
    if all("reason" in curve for curve in curves):
        raise ValueError(f"{path} must hold cells of several sizes of a strategy: {curves[0].get('reason')}")
    lines = [f"{path}: {grid.height} cells.", "", *write_sizes_answer(curves)]
    print(*lines, sep="\n")
    if write:
        write_text(write, "\n".join(["# How many rows are enough", "", *_to_markdown(lines)]) + "\n")


def _format_lines(recommendation: "Recommendation", within: float | None) -> list[str]:
    from m2m.study.report.recommendation import list_level, list_worse, tabulate_gains

    lines = [f"{recommendation.setting}.", *recommendation.sentences]
    if recommendation.rows:
        lines += ["", *(f"  {line}" for line in tabulate_gains(recommendation))]
    if recommendation.command:
        lines += ["", "To make the recommended rows, without training, and to export them (--rows OUT does both):"]
        lines += [f"  {recommendation.command}", "  python -m m2m export OUT"]
    if recommendation.grid:
        lines += [
            "",
            "To settle it, replace grid.staged and grid.parts in params.yaml, then run `python -m m2m grid`:",
        ]
        lines += [f"  {line}" for line in recommendation.grid]
    for heading, *items in filter(None, (list_level(recommendation, within), list_worse(recommendation))):
        lines += ["", heading, *(f"  {item}" for item in items)]
    return lines


def _describe_differences(shared_file: Path, provenance: str) -> list[str]:
    """A sentence where the study is not of this workspace; nothing where what its cells share is not recorded."""
    if not (shared_file.exists() and Path("dvc.yaml").exists()):
        return []
    from m2m.grid.dvc_experiments import predict_lock
    from m2m.grid.provenance import describe_changes
    from m2m.study.study_file import read_made

    shared: Any = read_made(shared_file).get(provenance, {})
    differences = describe_changes(shared, predict_lock()) if {"data", "settings"} <= shared.keys() else []
    if not differences:
        return []
    return [
        f"This study is not of this workspace: a grid would have another {', '.join(differences)}. "
        "For a study of your own, run `make grid`."
    ]


def _to_markdown(lines: list[str]) -> list[str]:
    """Indented lines are a table or a command: a block of code. The others are paragraphs."""
    text: list[str] = []
    for line, before in zip(lines, ["", *lines], strict=False):
        if line.startswith("  ") != before.startswith("  "):
            text += ["```text"] if line.startswith("  ") else ["```", ""]
        text.append(line.removeprefix("  ") if line.startswith("  ") else line)
    return [*text, "```"] if lines[-1].startswith("  ") else text


def _make_rows(recommendation: "Recommendation", out: Path, study: Path) -> None:
    """Run the recommendation's command, which trains nothing, and export its rows. ValueError where there is none."""
    import shlex
    import subprocess
    import sys

    from m2m.export.exported_run import open_run
    from m2m.export.subset_files import write_subset
    from m2m.runtime.atomic_files import require_empty_folder

    if not recommendation.command:
        raise ValueError(f"{recommendation.setting}: nothing is recommended, so there are no rows to make.")
    require_empty_folder(out, "Choose a new or empty folder with --rows.")
    if subprocess.run([sys.executable, "-m", *shlex.split(recommendation.command)], check=False).returncode:
        raise ValueError(
            "DVC could not make the recommended rows; its output above gives the reason. It has put the settings into "
            "params.yaml: `git diff params.yaml` shows them"
        )
    print(f"written: {', '.join(map(str, write_subset(open_run(None), out, 'prompt-completion', study)))}")
