"""What a cheap model is worth as a proxy: two studies of the same subsets, compared (docs/results/preregistration.md).

`python -m bench.ladder PROXY TARGET`: folders of studies with a grid.csv, PROXY as bench.ladder_proxy writes it. The
first row is of all seeds. The last two are on equal terms: the proxy's even seeds and the target's even ones, each
against the target's odd ones, over the cells and pairs that both have. The last is what an equally good proxy reaches.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from m2m.runtime.artifacts import read_table
from m2m.schemas.grid import Grid
from m2m.study.cells.cells import select_comparable, select_outcome
from m2m.study.ladder import KEY, Ladder, ShareOrNumber, compare_ladder

OUTCOME = "bpb_reduction"
HEAD = (
    "what is compared",
    "cells",
    "left out",
    "configurations",
    "rank correlation",
    "pairs that differ",
    "ordered alike",
)


def format_row(name: str, ladder: Ladder) -> str:
    """A row of the table, with 95 % intervals over configurations."""
    cells = [name, ladder.cells, ladder.left_out, ladder.configurations, _format(ladder.rank_correlation)]
    cells += [f"{ladder.pairs} of {ladder.all_pairs}", _format(ladder.agreement)]
    return f"| {' | '.join(map(str, cells))} |"


def split_seeds(cells: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The cells of odd seeds and of even ones, paired: seed 1 with 2, 3 with 4."""
    paired = cells.with_columns(parity=pl.col("seed") % 2, seed=(pl.col("seed") + 1) // 2)
    return paired.filter(pl.col("parity") == 1), paired.filter(pl.col("parity") == 0)


def compare(proxy: pl.DataFrame, target: pl.DataFrame, seed: int = 1, resamples: int = 10_000) -> list[str]:
    """The table's rows; in place of the last two the reason where there are none."""
    ladder = compare_ladder(proxy, target, OUTCOME, np.random.default_rng(seed), resamples)
    rows = [f"Seed noise of the target: {ladder.seed_noise:.4f} bpb. Pairs differ by more than that.", ""]
    rows += [f"| {' | '.join(HEAD)} |", f"|---|{'---:|' * (len(HEAD) - 1)}", format_row("proxy, all seeds", ladder)]
    try:
        halves = compare_halves(proxy, target, ladder.seed_noise, seed, resamples)
    except ValueError as error:
        return [*rows, "", f"No ceiling: {error}."]
    names = "proxy's even seeds, target's odd ones", "ceiling: target's even seeds, its odd ones"
    return rows + [format_row(name, half) for name, half in zip(names, halves, strict=True)]


def compare_halves(
    proxy: pl.DataFrame, target: pl.DataFrame, seed_noise: float, seed: int, resamples: int
) -> tuple[Ladder, Ladder]:
    """The proxy's even seeds and the target's, each against the target's odd ones, over the cells that both have.

    An even seed is compared with the odd one before it. ValueError as in `compare_ladder`.
    """
    odd, even = split_seeds(select_outcome(target, OUTCOME))
    proxy_even = split_seeds(select_outcome(proxy, OUTCOME))[1]
    keys = [*KEY, "seed"]
    sides = proxy_even.join(even, on=keys, how="semi"), even.join(proxy_even, on=keys, how="semi")
    first, second = (
        compare_ladder(side, odd, OUTCOME, np.random.default_rng(seed), resamples, seed_noise) for side in sides
    )
    return first, second


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("proxy", type=Path)
    parser.add_argument("target", type=Path)
    chosen = parser.parse_args()
    proxy, target = (read_table(folder / "grid.csv", Grid) for folder in (chosen.proxy, chosen.target))
    print(*compare(select_comparable(proxy), select_comparable(target)), sep="\n")


def _format(number: ShareOrNumber) -> str:
    return f"{number.value:.2f} ({number.low:.2f} to {number.high:.2f})".replace("-", "−")


if __name__ == "__main__":
    main()
