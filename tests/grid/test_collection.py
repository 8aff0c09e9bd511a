import polars as pl

from bench.planted import planted_grid
from m2m.grid.collection import build_grid_table
from m2m.schemas.grid import Grid
from tests.planted import judged


def test_every_cell_is_a_row_sorted_by_experiment() -> None:
    rows = planted_grid().reverse().to_dicts()
    assert Grid.validate(build_grid_table(rows))["experiment"].to_list() == sorted(row["experiment"] for row in rows)


def test_a_cell_that_was_run_twice_stands_there_once() -> None:
    rows = planted_grid().to_dicts()
    assert build_grid_table([*rows, rows[0] | {"experiment": "zzz"}])["experiment"].to_list() == sorted(
        row["experiment"] for row in rows
    )


def test_a_metric_that_only_some_cells_have_is_null_elsewhere() -> None:
    rows = planted_grid().to_dicts()
    rows[-1]["lost_tokens"] = 2.5
    assert build_grid_table(rows)["lost_tokens"].count() == 1


def test_what_no_cell_could_measure_is_null() -> None:
    """No reference, or no likelihood: neither performance nor win rate nor the opponent's bits."""
    table = Grid.validate(build_grid_table(judged(planted_grid()).to_dicts()))
    absent = ["bpb_reduction", "likelihood_win_rate", "opponent_bits_per_byte"]
    assert table.select(pl.col(absent).count()).row(0) == (0, 0, 0) and table["alpaca_eval_win_rate"].null_count() == 0
