"""A pool's units → what each strategy's degrees reach, with free lengths and with lengths as random.

`python -m bench.degrees [--size 500] [FOLDER]` after `make repro`, or on another FOLDER with tokens/response.parquet
and units/. Printed are k, tokens a row, seconds, and how far the two ends overlap.
"""

import argparse
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import polars as pl

from m2m.selection.degrees import DEGREES
from m2m.selection.incidence import build_incidence
from m2m.selection.length_strata import assign_strata
from m2m.selection.select import Selection, build_dial, select_at_degree
from m2m.selection.type_cover import choose_covering_rows
from m2m.strategies import UNIT_STRATEGIES

LENGTHS = ("free", "as-random")
Matrix = np.ndarray


class Dial(NamedTuple):
    """The subsets of degrees 0 … 6, and the seconds that they took."""

    selections: list[Selection]
    seconds: float


def jaccard(left_ids: Matrix, right_ids: Matrix) -> float:
    """Rows in both over rows in either."""
    common = np.intersect1d(left_ids, right_ids)
    return len(common) / (len(left_ids) + len(right_ids) - len(common))


def turn_dial(units: pl.DataFrame, ids: pl.Series, tokens: Matrix, lengths: str, size: int) -> Dial:
    """Every degree by itself, as the stage does it."""
    inside, ones = np.ones(len(ids), np.bool_), np.ones(len(ids), np.int64)
    incidence, _ = build_incidence(units, ids, inside)
    begin, selections = perf_counter(), []
    for degree in DEGREES:
        carrying = np.diff(incidence.row_start) > 0
        strata = None if lengths == "free" else assign_strata(tokens, ones, inside, carrying, size)
        rng = np.random.default_rng(1)
        dial = build_dial(incidence, ones, size, 1.5, strata)
        selections.append(select_at_degree(incidence, dial, ones, degree=degree, size=size, weights="inverse", rng=rng))
    return Dial(selections, (perf_counter() - begin) / len(DEGREES))


def measure_cover(units: pl.DataFrame, ids: pl.Series, tokens: Matrix, size: int) -> str:
    """The greedy cover of types per token: types, tokens a row, seconds."""
    inside, ones = np.ones(len(ids), np.bool_), np.ones(len(ids), np.int64)
    incidence, names = build_incidence(units, ids, inside)
    begin = perf_counter()
    rows = choose_covering_rows(incidence, tokens + 1, inside, ones, size, np.random.default_rng(1))
    seconds = perf_counter() - begin
    chosen = np.zeros(len(ids), np.bool_)
    chosen[rows] = True
    types = np.count_nonzero(incidence.counts(chosen))
    return f"type-cover: {types:,} of {len(names):,} types, {tokens[rows].mean():.1f} tokens a row, {seconds:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("data"))
    parser.add_argument("--size", type=int, default=500)
    arguments = parser.parse_args()
    folder, size = arguments.folder, arguments.size
    table = pl.read_parquet(folder / "tokens/response.parquet").sort("id")
    ids, tokens = table["id"], table["tokens"].list.len().cast(pl.Int64).to_numpy()
    print(f"{len(ids):,} rows of {tokens.mean():.1f} tokens, {size:,} chosen\n")
    print("| | lengths | k of degrees 0 … 6 | tokens a row | Jaccard of 0 and 6 | seconds a degree |")
    print("|---|---|---|---|---:|---:|")
    for strategy in UNIT_STRATEGIES:
        if not (path := folder / "units" / f"{strategy}.parquet").exists():
            continue
        for lengths in LENGTHS:
            selections, seconds = turn_dial(pl.read_parquet(path), ids, tokens, lengths, size)
            k = ", ".join(f"{item.chain.units_left()[item.state]:,}" for item in selections)
            means = ", ".join(f"{tokens[item.draw.rows].mean():.1f}" for item in selections)
            overlap = jaccard(selections[0].draw.rows, selections[-1].draw.rows)
            print(f"| {strategy} | {lengths} | {k} | {means} | {overlap:.3f} | {seconds:.2f} |")
    if (path := folder / "units/response-micro.parquet").exists():
        print(f"\n{measure_cover(pl.read_parquet(path), ids, tokens, size)}")


if __name__ == "__main__":
    main()
