"""The grid → metrics/study.json: effects of diversity with their uncertainty, and a verdict in words."""

from pathlib import Path

from stages.core.study import study as told
from stages.io.command import run
from stages.io.records import write_json
from stages.io.tables import read_table
from stages.schemas.grid import Grid
from stages.schemas.scores import Scores


def main(grid: Path, scores: Path, study: Path, /, *, seed: int, resamples: int) -> None:
    """`scores` holds what each cell saved on each prompt; `resamples` of them make an interval over prompts."""
    record = told(read_table(grid, Grid), read_table(scores, Scores), seed, resamples)
    write_json(study, record)
    for paragraph in record["verdict"]:
        print(paragraph["headline"])


if __name__ == "__main__":
    run(main)
