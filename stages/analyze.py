"""The grid → metrics/study.json: effects of diversity with their uncertainty, a verdict in words; and correlations."""

from pathlib import Path

import polars as pl

from stages.core.study import study as told
from stages.io.command import run
from stages.io.records import write_json
from stages.io.tables import columns_of, read_table, write_table
from stages.schemas.correlations import Correlations
from stages.schemas.grid import Grid
from stages.schemas.scores import Scores


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
