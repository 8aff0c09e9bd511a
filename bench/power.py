"""Whether `plan` predicts the share of studies that find a gain: planted studies, from their table to the verdict.

`python -m bench.power [STUDIES]`: one line a grid and gain. The noise of each prediction is estimated from a table of
its own, as from a pilot of 56 cells; `exact` has the planted noise.
"""

import json
import sys
from collections.abc import Sequence

import numpy as np
import polars as pl

from bench.planted import planted_grid
from bench.staged import NOISE, SHAPES, list_configurations, run_staged
from m2m.planning.power import FullGrid, compute_full_power, simulate_staged_power
from m2m.planning.seed_noise import SeedNoise, estimate_seed_noise
from m2m.planning.staging import Schedule
from m2m.runtime.artifacts import get_columns
from m2m.schemas.scores import Scores
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.study import build_study
from m2m.study.cells.labels import CONFIGURATION

PLANTED = NOISE._replace(prompt_sd=0.0)
DEGREES = (0, 2, 4, 6)
NO_SCORES = pl.DataFrame(schema=get_columns(Scores))


def plant_full(rng: np.random.Generator, seeds: int, random_seeds: int, gain: float) -> pl.DataFrame:
    """24 configurations that equal random, but for response-micro at degree 6; cells of a seed share their luck."""
    slopes = dict.fromkeys(UNIT_STRATEGIES, 0.0)
    grid = planted_grid(slopes, noise=0.0, degrees=DEGREES, seeds=seeds, random=random_seeds)
    luck = rng.normal(0, PLANTED.seed_sd, max(seeds, random_seeds))[grid["seed"].to_numpy()]
    is_better = (pl.col("strategy") == "response-micro") & (pl.col("degree") == 6)
    return grid.with_columns(
        bpb_reduction=pl.Series(luck + rng.normal(0, PLANTED.sd, grid.height)) + is_better.cast(pl.Float64) * gain
    )


def find_gain(table: pl.DataFrame) -> bool:
    """Whether the study calls the configuration with the gain better than random."""
    rows = build_study(table, NO_SCORES, 1, 10)["against_random"]
    return any(
        row["strategy"] == "response-micro" and row["degree"] == 6 and row["p_holm"] < 0.05 and row["value"] > 0
        for row in rows
        if row["outcome"] == "bpb_reduction"
    )


def estimate_pilot(rng: np.random.Generator) -> SeedNoise:
    """The noise that an earlier study of 56 cells gives."""
    table = plant_full(rng, 2, 8, 0.0)
    labels = table.select(pl.struct(CONFIGURATION).rank("dense")).to_series().to_numpy().astype(np.int64)
    return estimate_seed_noise(table["bpb_reduction"].to_numpy(), labels, table["seed"].to_numpy())


def compare_full(studies: int, seeds: int, random_seeds: int, gain: float) -> dict[str, float]:
    """The share that finds the gain, and the predictions."""
    rngs = [np.random.default_rng([seed, seeds]) for seed in range(studies)]
    found = [find_gain(plant_full(rng, seeds, random_seeds, gain)) for rng in rngs]
    grid = FullGrid(24, seeds, random_seeds, 24 + 2 * len(UNIT_STRATEGIES))
    predictions = [compute_full_power(grid, estimate_pilot(rng), gain) for rng in rngs]
    return _summarize(found, predictions, compute_full_power(grid, PLANTED, gain))


def compare_staged(studies: int, schedule: Schedule) -> dict[str, float]:
    """The same of a staged grid of 27 configurations."""
    shape, first = SHAPES["one gain, others level"], list_configurations(27)
    rngs = [np.random.default_rng([seed, 7]) for seed in range(studies)]
    rows = [run_staged(rng, shape, first, schedule) for rng in rngs]
    found = [any(truth > 0 and row["p_holm"] < 0.05 and row["value"] > 0 for truth, row in study) for study in rows]
    gain = 0.0028
    predictions = [simulate_staged_power(schedule, 27, estimate_pilot(rng), gain) for rng in rngs[:50]]
    return _summarize(found, predictions, simulate_staged_power(schedule, 27, PLANTED, gain))


def _summarize(found: Sequence[bool], predictions: Sequence[float], exact: float) -> dict[str, float]:
    low, high = np.quantile(predictions, [0.25, 0.75])
    return {
        "studies": len(found),
        "found": float(np.mean(found)),
        "predicted": float(np.mean(predictions)),
        "half of predictions from": float(low),
        "to": float(high),
        "exact": exact,
    }


def main(studies: int) -> None:
    """A line a grid."""
    for seeds, random_seeds, gain in ((2, 8, 0.0045), (4, 8, 0.003), (8, 8, 0.0028)):
        head = {"form": "full", "seeds": seeds, "random": random_seeds, "gain": gain}
        print(json.dumps(head | compare_full(studies, seeds, random_seeds, gain)), flush=True)
    for keep, fresh in (((9, 4, 2), 5), ((9, 4, 2), 9), ((9, 3), 5)):
        schedule = Schedule(keep, tuple(range(101, 101 + fresh)))
        print(
            json.dumps({"form": "staged", "keep": list(keep), "fresh": fresh} | compare_staged(studies, schedule)),
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
