"""The pipeline's units → what each strategy's degrees reach on this pool: k, and how far the two ends overlap.

`python -m bench.degrees [--size 500]` after `make repro`: reads data/pairs.parquet and data/units.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from m2m.selection.incidence import build_incidence
from m2m.selection.select import Selection, describe_chain, select
from m2m.strategies import UNIT_STRATEGIES


def jaccard(left_ids: np.ndarray, right_ids: np.ndarray) -> float:
    """Rows in both over rows in either."""
    common = np.intersect1d(left_ids, right_ids)
    return len(common) / (len(left_ids) + len(right_ids) - len(common))


def chosen(strategy: str, ids: pl.Series, degree: int, size: int) -> Selection:
    units = pl.read_parquet(Path("data/units") / f"{strategy}.parquet")
    carried, _ = build_incidence(units, ids, np.ones(len(ids), np.bool_))
    ask = {"degree": degree, "size": size, "slack": 1.5, "weights": "inverse", "rng": np.random.default_rng(1)}
    return select(carried, np.ones(len(ids), np.int64), **ask)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=500)
    size = parser.parse_args().size
    ids = pl.read_parquet("data/pairs.parquet", columns=["id"])["id"].sort()
    print(f"{len(ids):,} rows, {size} chosen\n\n| | k of degrees 0 … 6 | Jaccard of 0 and 6 |\n|---|---|---:|")
    for strategy in UNIT_STRATEGIES:
        least_diverse, most_diverse = (chosen(strategy, ids, degree, size) for degree in (0, 6))
        k = ", ".join(f"{units:,}" for units in describe_chain(least_diverse)["k_by_degree"])
        print(f"| {strategy} | {k} | {jaccard(least_diverse.draw.rows, most_diverse.draw.rows):.3f} |")


if __name__ == "__main__":
    main()
