"""A planted study in a folder, as collect and analyze would leave it; its texts try to get into the page."""

import json
from pathlib import Path
from typing import Any

import polars as pl

from bench.planted import planted_grid
from m2m.runtime.artifacts import write_table
from m2m.schemas.examples import Examples
from m2m.schemas.grid import Grid
from m2m.schemas.histogram import Histogram
from m2m.schemas.scores import Scores
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.other_prompts import draw_prompts
from m2m.study.analysis.view import View, list_views
from m2m.study.cells.cells import select_comparable
from stages.analyze import main as analyze

EVIL = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
HISTOGRAM = {
    "band": ["low", "mid", "high"],
    "count": [1, 10, 501],
    "types": [900, 90, 9],
    "occurrences": [2000, 9000, 20000],
}
TEXTS = dict.fromkeys(("experiment", "outcome", "id"), pl.String)
NOTHING_REGISTERED: Any = {"least_prompts": 0, "other_prompts": "shown", "hypotheses": {}}
NO_SCORES = pl.DataFrame(schema=TEXTS | {"score": pl.Float64, "weight": pl.Float64})


def views(grid: pl.DataFrame, scores: pl.DataFrame = NO_SCORES) -> list[View]:
    """The views of the bpb reduction, a setting each."""
    return list(list_views(select_comparable(grid), "bpb_reduction", draw_prompts(scores, 1, 100)))


def suffix(grid: pl.DataFrame, name: Any) -> pl.DataFrame:
    """The same cells under other names."""
    return grid.with_columns(experiment=pl.format("{}-{}", "experiment", pl.lit(name)))


def grid() -> pl.DataFrame:
    plain = planted_grid(dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.1})
    evil = planted_grid({EVIL: 0.0}, degrees=(3,), random=0)
    return pl.concat([plain, suffix(evil, EVIL)]).with_columns(provenance=pl.lit(EVIL))


def judged(cells: pl.DataFrame) -> pl.DataFrame:
    """As cells come of prompts without references: AlpacaEval's judge is the only outcome."""
    names = [name for name in cells.columns if "likelihood_win_rate" not in name and "bpb_reduction" not in name]
    return cells.select(*names, alpaca_eval_win_rate="likelihood_win_rate").drop("opponent_bits_per_byte")


def plant(
    folder: Path, cells: pl.DataFrame, setting: str = "largest", registered: dict[str, Any] = NOTHING_REGISTERED
) -> None:
    write_table(folder / "grid.csv", Grid, cells)
    write_table(folder / "scores.parquet", Scores, NO_SCORES)
    outcome = "bpb_reduction" if cells["bpb_reduction"].count() else "alpaca_eval_win_rate"
    outputs = [
        folder / name
        for name in ("grid.csv", "scores.parquet", "made.json", "study.json", "correlations.csv", "items.parquet")
    ]
    (folder / "made.json").write_text(json.dumps({EVIL: {"code": {f"stages/{EVIL}.py": EVIL}}}))
    analyze(*outputs, seed=1, resamples=100, primary_outcome=outcome, primary_setting=setting, **registered)
    answers = [
        (name, f"p{prompt}", f"{prompt}? {EVIL}", None, f"{name}, {prompt}: {EVIL}")
        for name in cells["experiment"]
        for prompt in range(2)
    ]
    columns = ["experiment", "id", "instruction", "reference", "answer"]
    table = pl.DataFrame(answers, schema=dict.fromkeys(columns, pl.String), orient="row")
    write_table(folder / "examples.parquet", Examples, table.sort("experiment", "id"))
    for side in ("instruction", "response"):
        write_table(folder / "histograms" / f"{side}.csv", Histogram, pl.DataFrame(HISTOGRAM))
    (folder / "versions.txt").write_text(f"altair==6.3.0 # {EVIL}\n")
