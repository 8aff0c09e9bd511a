"""A planted bake-off: selectors whose gain over random is known, with noise of seeds and of prompts."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from bench.planted import planted_grid

FIXED = ("longest", "k-center", "facility-location")  # their cells of all seeds train on the same tokens
SEED_SD, PROMPT_SD, CELL_SD = 0.004, 0.02, 0.004  # of a cell by its seed; of a prompt; of both together


def plant_bake_off(
    gains: Mapping[str, float],
    rng: np.random.Generator,
    *,
    seeds: int = 5,
    random: int = 8,
    prompts: int = 60,
    prompt_sd: float = PROMPT_SD,
    noise: float = 1.0,
    noise_fixed: float = 1.0,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Grid and scores at equal rows and at equal tokens; `gains` by strategy without a degree, the same at both.

    A cell's bpb reduction is the mean over prompts of: gain + seed's effect + cell's noise + what each prompt adds to
    each strategy. Responses of the strategy `longest` are twice as long. Seed and cell noise of selectors are `noise`
    times random's, and `noise_fixed` times of those in FIXED, whose rows do not differ by seed.
    """
    effects = rng.normal(0, SEED_SD / 2, random + 1)
    tilts = {name: rng.normal(0, prompt_sd, prompts) for name in gains}
    grids, scores = [], []
    for budget, size in (("rows", 500), ("tokens", 48_000)):
        cells = [(name, seed) for name in gains for seed in range(1, seeds + 1)]
        cells += [("random", seed) for seed in range(1, random + 1)]
        template = planted_grid({}, random=len(cells), seed=1, budget=budget, size=size)
        names = [f"{name}-{budget}-{seed}" for name, seed in cells]
        times = np.array([1.0 if name == "random" else noise_fixed if name in FIXED else noise for name, _ in cells])
        level = np.array([gains.get(name, 0.0) for name, _ in cells])
        level += times * (effects[[seed for _, seed in cells]] + rng.normal(0, SEED_SD, len(cells)))
        tilt = np.array([tilts.get(name, np.zeros(prompts)) for name, _ in cells])
        values = level[:, None] + tilt + rng.normal(0, CELL_SD, tilt.shape)
        lengths = [200.0 if name == "longest" else 100.0 for name, _ in cells]
        grids.append(
            template.with_columns(
                experiment=pl.Series(names),
                strategy=pl.Series([name for name, _ in cells]),
                match=pl.Series([name for name, _ in cells]),
                seed=pl.Series([seed for _, seed in cells]),
                bpb_reduction=pl.Series(values.mean(axis=1)),
                mean_response_tokens=pl.Series(lengths),
                trained_tokens=pl.Series(
                    [
                        round(500 * length) + (0 if name in FIXED else seed)
                        for length, (name, seed) in zip(lengths, cells, strict=True)
                    ]
                ),
            )
        )
        scores.append(
            pl.DataFrame(
                {
                    "experiment": np.repeat(names, prompts),
                    "outcome": "bpb_reduction",
                    "id": [f"p{i:03d}" for i in range(prompts)] * len(names),
                    "score": values.ravel(),
                    "weight": 1.0,
                    "group": "",
                }
            )
        )
    return pl.concat(grids).sort("experiment"), pl.concat(scores).sort("experiment", "id")
