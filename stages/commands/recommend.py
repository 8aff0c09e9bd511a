"""The study's record → which subset to take, by how much it beats random, and how sure that is."""

from pathlib import Path

from stages.core.advice import advice
from stages.io.command import run
from stages.io.records import read_json


def main(study: Path = Path("metrics/study.json"), /, *, outcome: str = "performance") -> None:
    """Print a paragraph for each setting of the study; where the data do not say, it says so.

    Args:
        study: the record that `analyze` wrote.
        outcome: what the subset should be good for: performance, win_rate, or another outcome of the study.
    """
    for paragraph in advice(read_json(study), outcome):
        print(f"{paragraph}\n")
    print("To have the rows of the run as files: python -m stages.commands.export OUT")


if __name__ == "__main__":
    run(main)
