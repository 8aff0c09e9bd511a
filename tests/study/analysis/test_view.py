"""A view a setting: its own cells, those of every setting, and nothing without the outcome."""

import polars as pl

from bench.planted import planted_grid
from tests.planted import suffix, views


def test_there_is_a_view_a_setting_with_its_cells_and_those_of_all() -> None:
    grid = pl.concat(
        [planted_grid({"response-micro": 0.0}), suffix(planted_grid({}, random=3, size=900, min_tokens=50), "w")]
    )
    window, plain = views(grid)[::-1]
    assert (window.cells.height, plain.cells.height, window.all_cells.height) == (3, 16, 19)
    assert (window.size, plain.size, plain.outcome) == (900, 500, "bpb_reduction")
    assert plain.place["condition"] == "rows, 0..10000 tokens each, uniform weights, slack 1.5"
    assert plain.select_strategy("random").height == 8


def test_a_setting_without_the_outcome_has_no_view() -> None:
    lacking = planted_grid({}, random=3, size=900).with_columns(bpb_reduction=pl.lit(None, pl.Float64))
    [view] = views(pl.concat([planted_grid({"response-micro": 0.0}), suffix(lacking, "l")]))
    assert view.size == 500 and view.all_cells.height == 16
