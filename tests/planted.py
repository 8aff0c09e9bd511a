"""A planted study in a folder, as collect and analyze would leave it; its texts try to get into the page."""

import json
from pathlib import Path

import polars as pl

from bench.planted import planted_grid
from m2m.runtime.artifacts import write_table
from m2m.schemas.examples import Examples
from m2m.schemas.grid import Grid
from m2m.schemas.histogram import Histogram
from m2m.schemas.scores import Scores
from m2m.study.cells.cells import STRATEGIES
from stages.analyze import main as analyze

EVIL = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'>"
HISTOGRAM = {
    "band": ["low", "mid", "high"],
    "count": [1, 10, 501],
    "types": [900, 90, 9],
    "occurrences": [2000, 9000, 20000],
}
TEXTS = dict.fromkeys(("experiment", "outcome", "id"), pl.String)
NO_SCORES = pl.DataFrame(schema=TEXTS | {"score": pl.Float64, "weight": pl.Float64})


def grid() -> pl.DataFrame:
    plain = planted_grid(dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.1})
    evil = planted_grid({EVIL: 0.0}, degrees=(3,), random=0).with_columns(
        experiment=pl.format("{}{}", "experiment", pl.lit(EVIL))
    )
    return pl.concat([plain, evil]).with_columns(provenance=pl.lit(EVIL))


def judged(cells: pl.DataFrame) -> pl.DataFrame:
    """As cells come of prompts without references: AlpacaEval's judge alone says what they are worth."""
    kept = [name for name in cells.columns if "likelihood_win_rate" not in name and "bpb_reduction" not in name]
    return cells.select(*kept, alpaca_eval_win_rate="likelihood_win_rate").drop("opponent_bits_per_byte")


def plant(folder: Path, cells: pl.DataFrame) -> None:
    write_table(folder / "grid.csv", Grid, cells)
    write_table(folder / "scores.parquet", Scores, NO_SCORES)
    analyze(
        folder / "grid.csv",
        folder / "scores.parquet",
        folder / "study.json",
        folder / "correlations.csv",
        seed=1,
        resamples=100,
    )
    said = [
        (name, f"p{at}", f"{at}? {EVIL}", None, f"{name}, {at}: {EVIL}")
        for name in cells["experiment"]
        for at in range(2)
    ]
    columns = ["experiment", "id", "instruction", "reference", "answer"]
    table = pl.DataFrame(said, schema=dict.fromkeys(columns, pl.String), orient="row")
    write_table(folder / "examples.parquet", Examples, table.sort("experiment", "id"))
    (folder / "made.json").write_text(json.dumps({EVIL: {"code": {f"stages/{EVIL}.py": EVIL}}}))
    for side in ("instruction", "response"):
        write_table(folder / "histograms" / f"{side}.csv", Histogram, pl.DataFrame(HISTOGRAM))
    (folder / "versions.txt").write_text(f"altair==6.3.0 # {EVIL}\n")
