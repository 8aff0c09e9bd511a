"""What a cheap model is worth as a proxy: two studies of the same subsets, compared (docs/results/preregistration.md).

`python -m bench.ladder PROXY TARGET`: folders of studies with a grid.csv, PROXY as bench.ladder_proxy writes it. The
last row is a ceiling: the target's odd seeds as a proxy of its even ones, where each configuration has both.
"""

import argparse
from pathlib import Path

import numpy as np
import polars as pl

from m2m.runtime.artifacts import read_table
from m2m.schemas.grid import Grid
from m2m.study.cells.cells import select_comparable
from m2m.study.ladder import Ladder, ShareOrNumber, compare_ladder

OUTCOME = "bpb_reduction"
HEAD = ("proxy", "cells", "left out", "configurations", "rank correlation", "pairs that differ", "ordered alike")


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
    """The table's rows; of the ceiling the reason where it has none."""
    ladder = compare_ladder(proxy, target, OUTCOME, np.random.default_rng(seed), resamples)
    rows = [f"Seed noise of the target: {ladder.seed_noise:.4f} bpb. Pairs differ by more than that.", ""]
    rows += [f"| {' | '.join(HEAD)} |", f"|---|{'---:|' * (len(HEAD) - 1)}", format_row("the proxy", ladder)]
    try:
        rows.append(
            format_row(
                "the target's other seeds",
                compare_ladder(*split_seeds(target), OUTCOME, np.random.default_rng(seed), resamples),
            )
        )
    except ValueError as error:
        rows += ["", f"No ceiling: {error}."]
    return rows


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
