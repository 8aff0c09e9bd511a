"""The study → which subset to take, how much it gains over random, and how certain that is."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from m2m.study.report.recommendation import Recommendation


def main(study: Path = Path("metrics/study.json"), /, *, outcome: str | None = None) -> None:
    """Print a recommendation for each setting of the study, with the command that makes its rows.

    Args:
        study: the study.json that `make grid` or `make repro` wrote.
        outcome: what the subset should be good for: bpb_reduction, likelihood_win_rate, or another outcome of the
            study. Default: the study's main outcome.
    """
    from m2m.study.report.recommendation import recommend
    from m2m.study.study_file import read_study

    record = read_study(study)
    chosen = outcome or record["outcomes"][0]
    recommendations = recommend(record, chosen)
    print(f"{study}: {record['cells']} cells of provenance {record['provenance']}. Outcome: {chosen}.")
    if differences := _find_differences(study.parent / "made.json", record["provenance"], Path("dvc.lock")):
        print(
            f"This study is not of this workspace: dvc.lock differs in {', '.join(differences)}. "
            "For a study of your own, run `make grid`."
        )
    for recommendation in recommendations:
        print("", *_format_lines(recommendation), sep="\n")
    if outcomes := [name for name in record["outcomes"] if name != chosen]:
        print(f"\nOther outcomes (--outcome): {', '.join(outcomes)}.")


def _format_lines(recommendation: "Recommendation") -> list[str]:
    from m2m.study.report.recommendation import list_worse, tabulate_gains

    lines = [f"{recommendation.setting}.", *recommendation.sentences]
    if recommendation.rows:
        lines += ["", *(f"  {line}" for line in tabulate_gains(recommendation))]
    if recommendation.command:
        lines += ["", "To make the recommended rows, without training, and to export them:"]
        lines += [f"  {recommendation.command}", "  python -m m2m export OUT"]
    if worse := list_worse(recommendation):
        lines += ["", worse[0], *(f"  {line}" for line in worse[1:])]
    return lines


def _find_differences(shared_file: Path, provenance: str, lock: Path) -> list[str]:
    """What the study's cells share and this workspace has otherwise; nothing where either is not recorded."""
    if not (shared_file.exists() and lock.exists()):
        return []
    from m2m.grid.dvc_experiments import parse_lock
    from m2m.grid.provenance import describe_changes
    from m2m.runtime.artifacts import read_json

    shared = read_json(shared_file)
    return (
        describe_changes(shared[provenance], parse_lock(lock.read_text(encoding="utf-8")))
        if provenance in shared
        else []
    )
