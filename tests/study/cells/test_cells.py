"""Which cells may be compared."""

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.study.cells.cells import select_comparable, select_outcome, split_cells
from tests.planted import views

LENGTHS = ("free", "as-random")


def test_diversity_is_sixths_of_the_degree() -> None:
    cells = select_comparable(planted_grid({"response-micro": 0.0}, degrees=(0, 3, 6)))
    assert sorted(set(cells["diversity"])) == [0, 0.5, 1]


def test_cells_of_other_code_or_data_never_mix() -> None:
    other = planted_grid({"response-micro": 0.0}, provenance="other").with_columns(
        experiment=pl.format("{}-other", "experiment")
    )
    cells = select_comparable(pl.concat([planted_grid(), other]))
    assert set(cells["provenance"]) == {"one"}


def test_the_order_of_the_rows_does_not_matter() -> None:
    grid = planted_grid()
    assert select_comparable(grid).equals(select_comparable(grid.sample(fraction=1, shuffle=True, seed=1)))


@pytest.mark.parametrize("name", ["random", "k-center", "token-entropy"])
def test_one_subset_without_units_counts_once_whatever_its_degree(name: str) -> None:
    grid = planted_grid({}, random=3, strategy=name)
    again = grid.with_columns(degree=pl.lit(5, pl.Int64), experiment=pl.format("{}-again", "experiment"))
    assert select_comparable(pl.concat([grid, again])).height == 3


def test_a_window_and_a_budget_are_conditions_of_their_own() -> None:
    tables = [
        planted_grid({"response-micro": 0.0}, min_tokens=low, budget=budget)
        for low, budget in ((0, "rows"), (50, "tokens"))
    ] + [planted_grid({"response-micro": 0.0}, max_tokens=100_000)]
    assert [key["condition"] for key, _ in split_cells(select_comparable(pl.concat(tables)), "condition")] == [
        "rows, 0..10000 tokens each, uniform weights, slack 1.5",
        "rows, any length, uniform weights, slack 1.5",
        "tokens, 50..10000 tokens each, uniform weights, slack 1.5",
    ]


def test_free_lengths_and_lengths_as_random_never_mix() -> None:
    tables = [planted_grid({"response-micro": 0.0}, lengths=lengths, max_tokens=100_000) for lengths in LENGTHS]
    assert [key["condition"] for key, _ in split_cells(select_comparable(pl.concat(tables)), "condition")] == [
        "rows, any length, lengths as random, uniform weights, slack 1.5",
        "rows, any length, uniform weights, slack 1.5",
    ]


def test_cells_without_the_outcome_take_no_part() -> None:
    grid = planted_grid().with_columns(bpb_reduction=pl.when(pl.col("seed") == 0).then(pl.col("bpb_reduction")))
    assert set(select_outcome(select_comparable(grid), "bpb_reduction")["seed"]) == {0}


@pytest.mark.parametrize("rows", [0, 1])
def test_a_grid_of_hardly_anything_has_hardly_any_cells(rows: int) -> None:
    assert select_comparable(planted_grid().head(rows)).height == rows


def test_a_window_without_an_upper_end_is_a_window() -> None:
    condition = select_comparable(planted_grid({"response-micro": 0.0}, min_tokens=50, max_tokens=100_000))["condition"]
    assert condition.unique().to_list() == ["rows, 50..100000 tokens each, uniform weights, slack 1.5"]


def test_noise_of_pruning_is_a_condition_of_its_own() -> None:
    tables = [planted_grid({"response-micro": 0.0}, peel_noise=noise, max_tokens=100_000) for noise in (0.0, 0.25)]
    assert [key["condition"] for key, _ in split_cells(select_comparable(pl.concat(tables)), "condition")] == [
        "rows, any length, uniform weights, slack 1.5",
        "rows, any length, uniform weights, slack 1.5, peel noise 0.25",
    ]


def test_a_prefilter_is_a_condition_and_its_random_cells_are_a_level_of_their_own() -> None:
    near = planted_grid({"response-micro": 0.0}, prefilter="bm25", prefilter_share=0.2, seed=1)
    grid = pl.concat([planted_grid({"response-micro": 0.0}), near.with_columns(pl.format("{}-near", "experiment"))])
    cells = select_comparable(grid)
    assert cells.height == grid.height
    plain, nearest = sorted(set(cells["condition"]), key=len)
    assert nearest == f"{plain}, the 20 % nearest the examples by bm25"
    views_of_both = views(grid)
    assert [view.cells["prefilter"].unique().to_list() for view in views_of_both] == [["random"], ["bm25"]]
    levels = views_of_both[0].levels
    randoms = [view.cells.filter(pl.col("strategy") == "random") for view in views_of_both]
    assert len({levels.find_level(cells) for cells in randoms}) == 2
