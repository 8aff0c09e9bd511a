"""Recommend a subset: the configuration that a study supports, and how sure that is."""

from pathlib import Path


def main(study: Path = Path("metrics/study.json"), /, *, outcome: str | None = None) -> None:
    """Print a paragraph for each setting of the study; where the data do not say, it says so.

    Args:
        study: the record that `analyze` wrote.
        outcome: what the subset should be good for: bpb_reduction, likelihood_win_rate, or another outcome of the
            study; without it the study's main one.
    """
    from m2m.runtime.artifacts import read_json
    from m2m.study.report.recommendation import advice

    record = read_json(study)
    if "outcomes" not in record:
        raise ValueError(f"{study} is no study's record: give a study.json, which `make grid` writes")
    chosen = outcome or record["outcomes"][0]
    others = [name for name in record["outcomes"] if name != chosen]
    paragraphs = advice(record, chosen)
    if strange := _changed(study.parent / "made.json", str(record.get("provenance")), Path("dvc.lock")):
        print(
            f"{study} says what held elsewhere. In this workspace (dvc.lock) something else is: {', '.join(strange)}. "
            "For an answer of your own: make grid\n"
        )
    print(*paragraphs, sep="\n\n")
    print(f"\nThis goes by {chosen}{'; --outcome takes ' if others else ''}{', '.join(others)}.")
    print("To have the rows of the run as files: python -m m2m export OUT")


def _changed(made: Path, provenance: str, lock: Path) -> list[str]:
    """What a study's cells share and this workspace has otherwise; nothing where either is not told."""
    from m2m.grid.dvc_experiments import parse_lock
    from m2m.grid.provenance import describe_changes
    from m2m.runtime.artifacts import read_json

    if not (made.exists() and lock.exists()):
        return []
    known = read_json(made)
    return (
        describe_changes(known[provenance], parse_lock(lock.read_text(encoding="utf-8"))) if provenance in known else []
    )
