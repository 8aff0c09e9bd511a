"""Experiments → metrics/grid.csv and metrics/scores.parquet: what came of every cell, whenever it was run."""

from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from stages.core.collection import grid_table, saved
from stages.core.design import settled
from stages.core.provenance import asked, finished, provenance
from stages.io.command import run
from stages.io.experiments import Experiment, cached, experiments, workspace
from stages.io.tables import read_table, write_table
from stages.schemas.answers import Answers
from stages.schemas.grid import Grid
from stages.schemas.scores import Scores

ANSWERS = "data/answers/{arm}.parquet"
REQUIRED = [name for name, column in Grid.to_schema().columns.items() if not column.nullable]


def main(*, folder: Path = Path("metrics")) -> None:
    """Write `folder`/grid.csv and `folder`/scores.parquet, from every finished cell among the experiments.

    Cells of other code, data or settings have another provenance: they stand in the table too, and are counted here.
    """
    cells = {one.name: one for one in experiments() if finished(one.lock)}
    rows = [_row(cell) for cell in cells.values()]
    whole = [row for row in rows if set(REQUIRED) <= set(row)]
    if not whole:
        raise ValueError(f"no finished cell with all metrics among {len(cells)} experiments: run `make grid`")
    grid = grid_table(whole)
    write_table(folder / "grid.csv", Grid, grid)
    kept = [cells[name] for name in grid["experiment"]]
    scores = [saved(one.name, *tables) for one in kept if (tables := _answers(one))]
    write_table(folder / "scores.parquet", Scores, pl.concat(scores) if scores else _none())
    print(f"{folder / 'grid.csv'}: {_counts(grid)}")
    if len(whole) < len(rows):
        print(f"{len(rows) - len(whole)} cells of older code have not all of today's metrics: they are left out")
    if len(scores) < len(kept):
        print(
            f"the answers of {len(kept) - len(scores)} cells are not in DVC's cache: no scores of theirs; dvc exp pull"
        )


def _row(cell: Experiment) -> dict[str, Any]:
    known = {"experiment": cell.name, "revision": cell.revision[:10], "provenance": provenance(cell.lock)}
    return known | settled(asked(cell.lock)) | cell.metrics


def _answers(cell: Experiment) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """The candidate's and the opponent's, where the cache has both."""
    hashes = [cell.lock[f"generate@{arm}"]["outs"][ANSWERS.format(arm=arm)] for arm in ("candidate", "opponent")]
    candidate, opponent = (cached(known) for known in hashes)
    if not (candidate.exists() and opponent.exists()):
        return None
    return read_table(candidate, Answers), read_table(opponent, Answers)


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema={"experiment": pl.String, "id": pl.String, "saved": pl.Float64, "bytes": pl.Int32})


def _counts(grid: pl.DataFrame) -> str:
    here = provenance(workspace())
    counts = Counter(grid["provenance"].to_list())
    others = [f"{count} of {known}" for known, count in counts.most_common() if known != here]
    told = f"{counts[here]} cells of this code, data and settings ({here})"
    return told + (f"; kept apart, cells of others: {', '.join(others)}" if others else "")


if __name__ == "__main__":
    run(main)
