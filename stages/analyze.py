"""The grid → metrics/study.json: effects of diversity with their uncertainty, a verdict in words; flat tables."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import polars as pl

from m2m.runtime.artifacts import get_columns, read_table, write_table
from m2m.runtime.cli import list_names, run
from m2m.schemas.correlations import Correlations
from m2m.schemas.grid import Grid
from m2m.schemas.items import Items
from m2m.schemas.scores import Scores
from m2m.study.analysis.hypotheses import Hypothesis, Registration, check_hypothesis
from m2m.study.analysis.item_scores import tabulate_items
from m2m.study.analysis.study import build_study
from m2m.study.study_file import require_whole_grid, write_study


def main(
    grid: Path,
    scores: Path,
    made: Path,
    study: Path,
    correlations: Path,
    items: Path,
    /,
    *,
    seed: int,
    resamples: int,
    primary_outcome: str,
    primary_setting: str,
    least_prompts: int,
    other_prompts: Literal["shown", "needed"],
    hypotheses: Mapping[str, Hypothesis],
) -> None:
    """`scores` holds each cell's score on each prompt; `resamples` of the prompts make an interval over prompts.

    `made` tells whether the grid is whole, as it was collected.

    `items` gets the scores of the primary outcome as a flat table: model, item, score, run.
    """
    require_whole_grid(grid, made)
    cells, prompt_scores = read_table(grid, Grid), read_table(scores, Scores)
    for name, hypothesis in hypotheses.items():
        check_hypothesis(name, hypothesis)
    registration = Registration(hypotheses, least_prompts, other_prompts)
    record = build_study(cells, prompt_scores, seed, resamples, primary_outcome, primary_setting, registration)
    write_table(items, Items, tabulate_items(cells, prompt_scores, primary_outcome))
    write_study(study, record)
    columns = get_columns(Correlations)
    rows = [{name: row.get(name) for name in columns} for row in record["metrics"]]
    table = pl.DataFrame(rows, schema=columns).sort("outcome", "condition", "size", "metric")
    write_table(correlations, Correlations, table)
    for line in (
        *(row["words"] for row in record.get("hypotheses", [])),
        *(row["headline"] for row in record["verdict"]),
    ):
        print(line)


if __name__ == "__main__":
    run(functools.partial(main, hypotheses={name: Hypothesis() for name in list_names("hypotheses")}))
