"""Experiments → the grid's table, scores, some answers and what was run: what came of every cell, whenever."""

from collections import Counter
from pathlib import Path
from shutil import copyfile
from typing import Any

import pandera.polars as pa
import polars as pl

from m2m.grid.collection import grid_table
from m2m.grid.design import settled
from m2m.grid.dvc_experiments import Experiment, cached, experiments, workspace
from m2m.grid.prompt_scores import scored
from m2m.grid.provenance import CELL, asked, finished, provenance, shared
from m2m.runtime.artifacts import columns_of, read_table, write_table
from m2m.runtime.cli import run
from m2m.runtime.records import write_json
from m2m.schemas.answers import Answers
from m2m.schemas.examples import Examples
from m2m.schemas.grid import Grid
from m2m.schemas.prompts import Prompts
from m2m.schemas.scores import Scores
from m2m.schemas.verdicts import Verdicts
from m2m.study.cells.cells import select_comparable
from m2m.study.figures.style import SIDE_NAMES
from m2m.study.report.answer_examples import select_examples

PROMPTS, VERDICTS, ANSWERS = "data/prompts.parquet", "data/verdicts.parquet", "data/answers/{arm}.parquet"
REQUIRED = [name for name, column in Grid.to_schema().columns.items() if not column.nullable]


def main(*, folder: Path = Path("metrics"), examples: int = 6, current: bool = False) -> None:
    """Write all that a study is made from, from every finished cell among the experiments.

    Cells of other code, data or settings have another provenance: they stand in the table too, and are counted here.

    Args:
        folder: of the study.
        examples: prompts whose answers are kept for reading; 0 keeps no text of the pool.
        current: only cells of the code, data and settings that stand here now.
    """
    cells = {one.name: one for one in experiments() if finished(one.lock)}
    rows = [_row(cell) for cell in cells.values()]
    here = provenance(workspace())
    measured = [row for row in rows if set(REQUIRED) <= set(row)]
    whole = [row for row in measured if not current or row["provenance"] == here]
    if not whole:
        raise ValueError(f"no finished cell with all metrics among {len(cells)} experiments: run `make grid`")
    grid = grid_table(whole)
    _copy_histograms(cells[select_comparable(grid)["experiment"][0]], folder / "histograms")
    write_table(folder / "grid.csv", Grid, grid)
    kept = [cells[name] for name in grid["experiment"]]
    tables = {one.name: found for one in kept if (found := _answers(one))}
    scores = [scored(name, *found) for name, found in tables.items()]
    write_table(folder / "scores.parquet", Scores, _joined(scores, Scores))
    said = [select_examples(name, prompts, candidate, examples) for name, (prompts, _, candidate, _) in tables.items()]
    write_table(folder / "examples.parquet", Examples, _joined(said, Examples))
    write_json(folder / "made.json", {provenance(one.lock): _made(one) for one in kept})
    print(f"{folder / 'grid.csv'}: {_counts(grid, here)}")
    if len(measured) < len(rows):
        print(f"left out: {len(rows) - len(measured)} cells whose metrics lack {_lacking(rows)}")
    if len(whole) < len(measured):
        print(f"left out: {len(measured) - len(whole)} cells of other code, data or settings")
    if len(tables) < len(kept):
        lacking = len(kept) - len(tables)
        print(f"the answers of {lacking} cells are not in DVC's cache: no scores of theirs; dvc exp pull")
    if silent := sum(score.is_empty() for score in scores):
        print(f"{silent} cells have neither the likelihood of a reference nor a verdict: no intervals over prompts")


def _lacking(rows: list[dict[str, Any]]) -> str:
    return ", ".join(sorted({name for row in rows for name in set(REQUIRED) - set(row)}))


def _row(cell: Experiment) -> dict[str, Any]:
    known = {"experiment": cell.name, "revision": cell.revision[:10], "provenance": provenance(cell.lock)}
    return known | settled(asked(cell.lock)) | cell.metrics


def _answers(cell: Experiment) -> tuple[pl.DataFrame, ...] | None:
    """The prompts, the verdicts, the candidate's and the opponent's answers, where the cache has all four."""
    judged = cell.lock["judge"]
    known = [judged["deps"][PROMPTS], judged["outs"][VERDICTS]]
    known += [judged["deps"][ANSWERS.format(arm=arm)] for arm in ("candidate", "opponent")]
    files = [cached(one) for one in known]
    if not all(file.exists() for file in files):
        return None
    models = (Prompts, Verdicts, Answers, Answers)
    return tuple(read_table(file, model) for file, model in zip(files, models, strict=True))


def _copy_histograms(cell: Experiment, folder: Path) -> None:
    """Those of the token types in the pool of `cell`."""
    for side in SIDE_NAMES:
        path = f"data/histograms/{side}.csv"
        known = cached(cell.lock[f"band@{side}"]["outs"][path])
        if not known.exists():
            raise ValueError(f"{path} of {cell.name} must be in DVC's cache: dvc exp pull, or dvc repro band")
        folder.mkdir(parents=True, exist_ok=True)
        copyfile(known, folder / f"{side}.csv")


def _joined(tables: list[pl.DataFrame], model: type[pa.DataFrameModel]) -> pl.DataFrame:
    """One below the other; without any, a table without rows."""
    return pl.concat([pl.DataFrame(schema=columns_of(model)), *tables])


def _made(cell: Experiment) -> dict[str, dict[str, str]]:
    """What a cell shares with others of its provenance, and the commands that made it."""
    commands = {name: stage["cmd"] for name, stage in cell.lock.items() if name not in CELL}
    return shared(cell.lock) | {"commands": commands}


def _counts(grid: pl.DataFrame, here: str) -> str:
    counts = Counter(grid["provenance"].to_list())
    others = [f"{count} of {known}" for known, count in counts.most_common() if known != here]
    told = f"{counts[here]} cells of this code, data and settings ({here})"
    return told + (f"; kept apart, cells of others: {', '.join(others)}" if others else "")


if __name__ == "__main__":
    run(main)
