"""The report's tables: every number is the study's, and a table without rows is not there."""

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.study.analysis.study import build_study
from m2m.study.cells.cells import STRATEGIES, select_comparable
from m2m.study.report.tables import Sheet, cell_sheet, ran, sheets
from tests.planted import NO_SCORES


def told(grid: pl.DataFrame) -> dict:
    return build_study(grid, NO_SCORES, seed=1, resamples=100)


def column(sheet: Sheet, head: str) -> list:
    at = [title.replace("\u00a0", " ") for title, _ in sheet.heads].index(head)
    return [row[at] for row in sheet.rows]


@pytest.fixture(scope="module")
def record() -> dict:
    matched = planted_grid({"stratified-length": 0.0}, degrees=(0, 6), seeds=3, random=0)
    return told(
        pl.concat(
            [
                planted_grid(dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.1}),
                matched.with_columns(experiment=pl.format("{}-matched", "experiment")),
            ]
        )
    )


def test_the_tables_come_in_the_order_of_reading(record: dict) -> None:
    assert [sheet.name for sheet in sheets(record)] == ["slopes", "claims", "matched", "paper", "others"]
    assert all(len(row) == len(sheet.heads) for sheet in sheets(record) for row in sheet.rows)


def test_a_slope_stands_beside_its_verdict_on_length_and_the_papers(record: dict) -> None:
    slopes, paper = (next(sheet for sheet in sheets(record) if sheet.name == name) for name in ("slopes", "paper"))
    assert column(slopes, "strategy") == column(paper, "strategy") == list(STRATEGIES)
    values = [row["value"] for row in record["slopes"] if row["outcome"] == "bpb_reduction"]
    assert column(slopes, "slope") == column(paper, "slope") == values
    assert column(slopes, "at equal length: own cells")[-1] == "still significant"
    assert column(paper, "the paper, 30K") == [1.45, 2.07, -1.80, 0.59, 2.00, 10.06]


def test_every_other_outcome_has_its_slopes(record: dict) -> None:
    others = sheets(record)[-1]
    assert column(others, "outcome") == ["likelihood win rate"] * 6


def test_claims_without_a_rival_are_no_claims() -> None:
    assert [sheet.name for sheet in sheets(told(planted_grid({"response-micro": 0.0}, degrees=(0, 6))))] == [
        "slopes",
        "paper",
        "others",
    ]


def test_every_cell_has_a_row_and_a_column_without_numbers_is_left_out() -> None:
    grid = planted_grid({"response-micro": 0.0}).with_columns(likelihood_win_rate=pl.lit(None, pl.Float64))
    cells = select_comparable(grid)
    sheet = cell_sheet(told(grid), cells)
    assert sorted(column(sheet, "cell")) == sorted(grid["experiment"])
    assert "win rate" not in [title for title, _ in sheet.heads]
    assert set(column(sheet, "setting")) == {"500 rows"}


def test_what_was_run_is_said_with_strategies_that_were_run_alike_together() -> None:
    grid = pl.concat(
        [
            planted_grid(dict.fromkeys(STRATEGIES[:2], 0.0), seeds=2, random=5),
            planted_grid({"response-micro": 0.0}, degrees=(0, 6), seeds=3, random=0).with_columns(
                experiment=pl.format("{}-other", "experiment")
            ),
        ]
    )
    assert ran(told(grid), select_comparable(grid)) == [
        "500 rows: instruction-macro, instruction-meso at degrees 0, 2, 4, 6 × 2 seeds; random × 5; "
        "response-micro at degrees 0, 6 × 3 seeds."
    ]


def test_a_cell_beyond_the_random_ones_is_told_from_those_within() -> None:
    grid = planted_grid(dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.1})
    sheet = cell_sheet(told(grid), select_comparable(grid))
    [floor] = [row for row in told(grid)["floors"] if row["outcome"] == "bpb_reduction"]
    beyond = {
        name
        for name, where in zip(column(sheet, "cell"), column(sheet, "random's range"), strict=True)
        if where in {"above", "below"}
    }
    assert beyond == set(floor["outside"])
    strategies = dict(zip(column(sheet, "cell"), column(sheet, "strategy"), strict=True))
    places = dict(zip(column(sheet, "cell"), column(sheet, "random's range"), strict=True))
    assert {places[name] for name, strategy in strategies.items() if strategy == "random"} == {None}
    degrees = dict(zip(column(sheet, "cell"), column(sheet, "degree"), strict=True))
    best = [name for name, strategy in strategies.items() if strategy == "response-micro" and degrees[name] == 6]
    assert {places[name] for name in best} == {"above"}
