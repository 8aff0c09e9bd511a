"""What may stand in the grid."""

from pathlib import Path

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.grid import Grid


def written(folder: Path, grid: pl.DataFrame) -> pl.DataFrame:
    write_table(folder / "grid.csv", Grid, grid)
    return read_table(folder / "grid.csv", Grid)


def test_a_grid_comes_back_from_csv_as_it_was(tmp_path: Path) -> None:
    grid = planted_grid(seeds=1)
    assert written(tmp_path, grid).select(grid.columns).equals(grid)


def test_a_table_of_before_there_were_lengths_is_free(tmp_path: Path) -> None:
    grid = planted_grid(seeds=1)
    grid.drop("lengths").write_csv(tmp_path / "grid.csv")
    assert read_table(tmp_path / "grid.csv", Grid).select(grid.columns).equals(grid)


def test_the_same_cell_at_other_lengths_is_another_cell(tmp_path: Path) -> None:
    grid = planted_grid(seeds=1)
    other = grid.with_columns(lengths=pl.lit("as-random"), experiment=pl.format("{}-as-random", "experiment"))
    assert written(tmp_path, pl.concat([grid, other])).height == 2 * grid.height


def test_cells_without_references_have_no_performance(tmp_path: Path) -> None:
    none = pl.lit(None, pl.Float64)
    grid = planted_grid(seeds=1).with_columns(bpb_reduction=none, opponent_bits_per_byte=none, bpb_reduction_mine=none)
    assert written(tmp_path, grid)["bpb_reduction"].null_count() == grid.height


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (pl.lit(7, pl.Int64).alias("degree"), "less_than_or_equal_to"),
        (pl.lit(1.5).alias("likelihood_win_rate"), "less_than_or_equal_to"),
        (pl.lit("main").alias("revision"), "str_matches"),
        (pl.lit("rows or tokens").alias("budget"), "isin"),
        (pl.lit("short").alias("lengths"), "isin"),
        (pl.lit(0, pl.Int64).alias("seed"), "multiple_fields_uniqueness"),
        (pl.lit("hello").alias("answer"), "further_columns_are_numbers"),
    ],
    ids=["degree", "win rate", "revision", "budget", "lengths", "a copy of a cell", "a column of words"],
)
def test_a_broken_rule_is_named(tmp_path: Path, change: pl.Expr, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        write_table(tmp_path / "grid.csv", Grid, planted_grid().with_columns(change))
