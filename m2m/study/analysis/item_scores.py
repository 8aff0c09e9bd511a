"""Cells and their scores on each prompt → a flat table of the primary outcome: model, item, score, run."""

import polars as pl

from m2m.study.cells.cells import select_comparable
from m2m.study.cells.labels import describe_setting, name_configuration


def tabulate_items(grid: pl.DataFrame, scores: pl.DataFrame, outcome: str) -> pl.DataFrame:
    """Schema Items of the comparable cells of `grid` (schema Grid); `scores` as in schema Scores, may be empty."""
    cells = select_comparable(grid).rows(named=True)
    names = [f"{name_configuration(cell)}; {describe_setting(cell)}" for cell in cells]
    models = pl.DataFrame({"run": [cell["experiment"] for cell in cells], "model": names})
    rows = scores.filter(pl.col("outcome") == outcome).select(
        item="id", score=pl.col("score") / pl.col("weight"), run="experiment"
    )
    return rows.join(models, on="run").select("model", "item", "score", "run").sort("model", "item", "run")
