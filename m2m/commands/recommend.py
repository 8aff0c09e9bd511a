"""The study's record → which subset to take, by how much it beats random, and how sure that is."""

from pathlib import Path

from m2m.grid.dvc_experiments import locked
from m2m.grid.provenance import changed
from m2m.runtime.cli import run
from m2m.runtime.records import read_json
from m2m.study.report.recommendation import recommend


def main(study: Path = Path("metrics/study.json"), /, *, outcome: str | None = None) -> None:
    """Print a paragraph for each setting of the study; where the data do not say, it says so.

    Args:
        study: the record that `analyze` wrote.
        outcome: what the subset should be good for: performance, win_rate, or another outcome of the study; without it
            the study's main one.
    """
    record = read_json(study)
    if "outcomes" not in record:
        raise ValueError(f"{study} is no study's record: give a study.json, which `make grid` writes")
    chosen = outcome or record["outcomes"][0]
    others = [name for name in record["outcomes"] if name != chosen]
    paragraphs = recommend(record, chosen)
    if strange := _changed(study.parent / "made.json", str(record.get("provenance")), Path("dvc.lock")):
        print(
            f"{study} says what held elsewhere. In this workspace (dvc.lock) something else is: {', '.join(strange)}. "
            "For an answer of your own: make grid\n"
        )
    print(*paragraphs, sep="\n\n")
    print(f"\nThis goes by {chosen}{'; --outcome takes ' if others else ''}{', '.join(others)}.")
    print("To have the rows of the run as files: python -m m2m.commands.export OUT")


def _changed(made: Path, provenance: str, lock: Path) -> list[str]:
    """What a study's cells share and this workspace has otherwise; nothing where either is not told."""
    if not (made.exists() and lock.exists()):
        return []
    known = read_json(made)
    return changed(known[provenance], locked(lock.read_text(encoding="utf-8"))) if provenance in known else []


if __name__ == "__main__":
    run(main)
