"""Scores by prompt → on a person's target and elsewhere: what targeting adds to random rows, and what diversity."""

from typing import TypedDict

import polars as pl

from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.against_random import IS_RANDOM
from m2m.study.analysis.levels import PREFILTER
from m2m.study.bake_off.comparison import FROM_ALL_ROWS, BakeOff, SelectorRow, compare_selectors
from m2m.study.cells.cells import select_comparable, split_cells
from m2m.study.domains.transfer import FEWEST_PROMPTS, rescore_cells

HIGHEST_DEGREE = pl.col("degree").max().over("strategy", *PREFILTER)
IS_DIVERSE = pl.col("strategy").is_in(UNIT_STRATEGIES) & (pl.col("degree") == HIGHEST_DEGREE)


class NearComparison(TypedDict):
    """The rows nearest to the examples: random among them against other subsets, on the target's prompts.

    A list is empty where no cell of a strategy of units was run there.
    """

    prefilter: str
    prefilter_share: float
    diversity_alone: list[SelectorRow]  # − random of these rows: each strategy's highest degree, chosen among all rows
    diversity_on_top: list[SelectorRow]  # − random of these rows: each strategy's highest degree, chosen among them


class TargetRecord(TypedDict):
    """A study of a target; every list of rows has intervals that hold for all of it together."""

    target: str
    prompts: int
    other_prompts: int
    here: BakeOff  # on the target's prompts, against random rows of the pool
    elsewhere: BakeOff  # on all other prompts
    near: list[NearComparison]


def compare_on_target(
    grid: pl.DataFrame, scores: pl.DataFrame, target: str, outcome: str, seed: int, resamples: int
) -> TargetRecord:
    """Gains on the prompts of the group `target` and on all others; `grid` and `scores` as in schemas Grid and Scores.

    ValueError where the target or the rest has fewer than 10 prompts, where random or another selector is missing, and
    for cells of rows beside cells of tokens.
    """
    cells = select_comparable(grid)
    if len(budgets := cells["budget"].unique().sort().to_list()) > 1:
        raise ValueError(f"a target is compared at one budget, got {' and '.join(budgets)}: give each a folder")
    measured = scores.filter(pl.col("outcome") == outcome).join(cells.select("experiment"), on="experiment", how="semi")
    sides = [measured.filter(pl.col("group") == target), measured.filter(pl.col("group") != target)]
    counts = [side["id"].n_unique() for side in sides]
    if min(counts) < FEWEST_PROMPTS:
        groups = ", ".join(measured["group"].unique().sort())
        raise ValueError(
            f"the target and all else need {FEWEST_PROMPTS} prompts each, {target} has {counts[0]} and all else "
            f"{counts[1]}: name one of {groups}"
        )

    def compare(side: pl.DataFrame, chosen: pl.Expr, baseline: pl.Expr) -> BakeOff:
        rescored = rescore_cells(cells.filter(chosen), side, outcome)
        return compare_selectors(rescored, side, outcome, seed, resamples, baseline)

    def compare_diverse(chosen: pl.Expr, baseline: pl.Expr) -> list[SelectorRow]:
        is_compared = IS_DIVERSE & chosen
        has_any = cells.filter(is_compared).join(sides[0], on="experiment", how="semi").height
        return compare(sides[0], is_compared | baseline, baseline)["selectors"] if has_any else []

    plain = IS_RANDOM & FROM_ALL_ROWS
    near: list[NearComparison] = []
    for kept, _ in split_cells(cells.filter(~FROM_ALL_ROWS), *PREFILTER):
        inside = pl.all_horizontal(pl.col(name) == value for name, value in kept.items())
        baseline = IS_RANDOM & inside
        near.append(
            {
                "prefilter": kept["prefilter"],
                "prefilter_share": kept["prefilter_share"],
                "diversity_alone": compare_diverse(FROM_ALL_ROWS, baseline),
                "diversity_on_top": compare_diverse(inside, baseline),
            }
        )
    everything = pl.lit(True)
    return {
        "target": target,
        "prompts": counts[0],
        "other_prompts": counts[1],
        "here": compare(sides[0], everything, plain),
        "elsewhere": compare(sides[1], everything, plain),
        "near": near,
    }
