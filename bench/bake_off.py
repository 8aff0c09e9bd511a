"""How often the bake-off's intervals hold all gains together, and its answer beats random where nothing does."""

import json
import sys

import numpy as np
import polars as pl

from bench.planted_bake_off import PROMPT_SD, plant_bake_off
from m2m.schemas.scores import Scores
from m2m.study.bake_off.comparison import compare_selectors

SELECTORS = ("longest", "k-center", "type-cover", "token-entropy", "facility-location", "gist", "instag")
NO_SCORES = pl.DataFrame(schema=dict.fromkeys(("experiment", "outcome", "id"), pl.String)).with_columns(
    score=pl.lit(None, pl.Float64), weight=pl.lit(None, pl.Float64), group=pl.lit(None, pl.String)
)


NOISES = ((0.3, 0.3), (0.5, 0.5), (2.0, 2.0), (1.0, 0.3))  # of selectors, and of those in FIXED, times random's


def measure_coverage(studies: int, gain: float, has_scores: bool, noises: tuple[float, float]) -> dict[str, float]:
    """The share of planted bake-offs whose intervals hold every gain, together and one by one."""
    gains = {name: gain * (place % 2) for place, name in enumerate(SELECTORS)}
    together, alone, best = [], [], []
    for study in range(studies):
        prompt_sd = PROMPT_SD if has_scores else 0.0
        grid, scores = plant_bake_off(
            gains,
            np.random.default_rng(study),
            prompt_sd=prompt_sd,
            prompts=60 if has_scores else 2,
            noise=noises[0],
            noise_fixed=noises[1],
        )
        record = compare_selectors(grid, scores if has_scores else NO_SCORES, "bpb_reduction", study, 400)
        inside = [row["all_low"] <= gains[row["strategy"]] <= row["all_high"] for row in record["selectors"]]
        together.append(all(inside))
        alone += [row["low"] <= gains[row["strategy"]] <= row["high"] for row in record["selectors"]]
        best.append(any(row["all_low"] > 0 for row in record["selectors"]))
    shares = {"together": together, "each alone": alone, "some beat random": best}
    return {name: round(float(np.mean(values)), 4) for name, values in shares.items()}


def main(studies: int) -> None:
    assert set(Scores.to_schema().columns) == set(NO_SCORES.columns)
    cases = [(0.0, True, (1.0, 1.0)), (0.03, True, (1.0, 1.0)), (0.0, False, (1.0, 1.0))]
    for gain, has_scores, noises in [*cases, *((0.0, False, noises) for noises in NOISES)]:
        case = f"14 planted gains of 0 and {gain:g}, prompts {'drawn' if has_scores else 'not known'}"
        case += f", noise {noises[0]:g} and {noises[1]:g} times random's"
        shares = measure_coverage(studies, gain, has_scores, noises)
        print(json.dumps({"case": case, "rows": studies} | shares), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
