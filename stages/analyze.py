"""The grid → metrics/study.json: effects of diversity with their uncertainty, a verdict in words; and correlations."""

from pathlib import Path

import polars as pl

from m2m.runtime.artifacts import columns_of, read_table, write_table
from m2m.runtime.cli import run
from m2m.runtime.records import write_json
from m2m.schemas.correlations import Correlations
from m2m.schemas.grid import Grid
from m2m.schemas.scores import Scores
from m2m.study.analysis.study import build_study as told


def main(grid: Path, scores: Path, study: Path, correlations: Path, /, *, seed: int, resamples: int) -> None:
    """`scores` holds what each cell saved on each prompt; `resamples` of them make an interval over prompts."""
    record = told(read_table(grid, Grid), read_table(scores, Scores), seed, resamples)
    write_json(study, record)
    columns = columns_of(Correlations)
    rows = [{name: row.get(name) for name in columns} for row in record["metrics"]]
    table = pl.DataFrame(rows, schema=columns).sort("outcome", "condition", "size", "metric")
    write_table(correlations, Correlations, table)
    for paragraph in record["verdict"]:
        print(paragraph["headline"])


if __name__ == "__main__":
    run(main)
