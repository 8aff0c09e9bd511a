"""Correlations of metrics with the outcome: how far they rest on one strategy, whose degrees are no separate points."""

import numpy as np
import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.study.analysis.metric_correlations import average_seeds, correlate_metrics
from m2m.study.cells.labels import select_rows
from tests.planted import views


def test_a_configuration_is_the_mean_of_its_seeds() -> None:
    [view] = views(planted_grid())
    own = view.cells.filter(pl.col("strategy") == "response-micro", pl.col("degree") == 6)
    [mean] = average_seeds(view.cells).filter(pl.col("strategy") == "response-micro", pl.col("degree") == 6).to_dicts()
    values = own["response_self_bleu"].to_list()
    assert len(set(values)) > 1 and mean["response_self_bleu"] == pytest.approx(sum(values) / len(values))


def test_the_ends_are_the_correlations_with_one_strategy_left_out() -> None:
    [view] = views(planted_grid())
    [row] = select_rows(correlate_metrics(view), {"metric": "response_self_bleu"})
    points = average_seeds(view.cells)
    left_out = [
        float(
            np.corrcoef(*points.filter(pl.col("strategy") != name).select("response_self_bleu", "worth").to_numpy().T)[
                0, 1
            ]
        )
        for name in points["strategy"].unique()
    ]
    assert (row["without_low"], row["without_high"]) == pytest.approx((min(left_out), max(left_out)))


def test_a_strategy_that_makes_the_whole_correlation_is_seen() -> None:
    far = pl.col("strategy") == "response-macro"
    grid = planted_grid().with_columns(
        response_self_bleu=pl.col("response_self_bleu") + far * 100, bpb_reduction=pl.col("bpb_reduction") + far * 10
    )
    [row] = select_rows(correlate_metrics(views(grid)[0]), {"metric": "response_self_bleu"})
    assert row["pearson_r"] > 0.9 and row["without_low"] < 0.5


def test_two_strategies_leave_too_few_points_to_leave_one_out() -> None:
    [view] = views(planted_grid({"response-micro": 0.0}, degrees=(0, 3, 6)))
    assert all("without_low" not in row for row in correlate_metrics(view))


def add_g_vendi(grid: pl.DataFrame, has: pl.Expr) -> pl.DataFrame:
    """The grid with a G-Vendi that is the outcome's own scale where the cell `has` one."""
    return grid.with_columns(response_g_vendi=pl.when(has).then(5 + 10 * pl.col("bpb_reduction")))


def test_g_vendi_is_correlated_also_given_length_where_cells_have_it() -> None:
    [row] = select_rows(
        correlate_metrics(views(add_g_vendi(planted_grid(), pl.lit(True)))[0]), {"metric": "response_g_vendi"}
    )
    assert (row["pearson_r"], row["partial_r"]) == pytest.approx((1, 1))
    assert row["points"] == 25 and "cells_without" not in row


def test_cells_without_a_metric_are_counted_and_in_neither_of_its_means() -> None:
    """One seed of each configuration has it: a mean outcome of both seeds would blur the perfect correlation."""
    grid = add_g_vendi(planted_grid(), pl.col("seed") == 0)
    [row] = select_rows(correlate_metrics(views(grid)[0]), {"metric": "response_g_vendi"})
    assert row["pearson_r"] == pytest.approx(1)
    assert (row["points"], row["cells_without"]) == (25, grid.filter(pl.col("seed") != 0).height)


def test_a_metric_that_no_cell_of_the_study_has_is_not_spoken_of() -> None:
    grid = add_g_vendi(planted_grid(), pl.lit(False))
    assert select_rows(correlate_metrics(views(grid)[0]), {"metric": "response_g_vendi"}) == []
