"""Planted cells of several sizes: bits per byte fall as a power law whose numbers are known."""

import numpy as np
import polars as pl

from bench.planted import planted_grid

SIZES = (125, 250, 500, 1000, 2000, 4000)
POOL, UNTUNED = 8000, 2.2


def plant_sizes(
    rng: np.random.Generator,
    *,
    exponent: float = 0.4,
    floor: float = 2.0,
    gain: float = 0.15,
    sd: float = 0.002,
    seeds: int = 3,
    sizes: tuple[int, ...] = SIZES,
    whole: bool = True,
) -> pl.DataFrame:
    """Random cells: bits = floor + gain · (rows / 125)^−exponent + noise; two cells of the whole pool of 8,000 rows."""
    cells = [(size, seed) for size in sizes for seed in range(seeds)] + [(POOL, seed) for seed in range(2 * whole)]
    rows = np.array([size for size, _ in cells])
    bits = floor + gain * (rows / 125) ** -exponent + rng.normal(0, sd, len(rows))
    return planted_grid({}, random=len(cells)).with_columns(
        size=pl.Series(rows, dtype=pl.Int64),
        rows=pl.Series(rows, dtype=pl.Int64),
        seed=pl.Series([seed for _, seed in cells], dtype=pl.Int64),
        trained_tokens=pl.Series(rows * 96, dtype=pl.Int64),
        candidate_rows=pl.lit(POOL, pl.Int64),
        candidate_bits_per_byte=pl.Series(bits),
        untuned_bits_per_byte=pl.lit(UNTUNED),
    )
