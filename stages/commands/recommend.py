"""The study's record → which subset to take, by how much it beats random, and how sure that is."""

from pathlib import Path

from stages.core.advice import advice
from stages.io.command import run
from stages.io.records import read_json


def main(study: Path = Path("metrics/study.json"), /, *, outcome: str | None = None) -> None:
    """Print a paragraph for each setting of the study; where the data do not say, it says so.

    Args:
        study: the record that `analyze` wrote.
        outcome: what the subset should be good for: performance, win_rate, or another outcome of the study; without it
            the study's main one.
    """
    record = read_json(study)
    for paragraph in advice(record, outcome or record["outcomes"][0]):
        print(f"{paragraph}\n")
    print("To have the rows of the run as files: python -m stages.commands.export OUT")


if __name__ == "__main__":
    run(main)
