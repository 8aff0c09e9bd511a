"""The report's tables: every number is the study's, in its column, the main setting first."""

from typing import Any

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.schemas.study import validate_study
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.study import build_study
from m2m.study.cells.cells import select_comparable
from m2m.study.report.tables import ReportTable, build_cell_table, build_tables, describe_runs
from tests.planted import NO_SCORES
from tests.study.known_study import (
    CELLS,
    MAIN_CONDITION,
    MAIN_NAME,
    RECORD,
    STUDY,
    WINDOW,
    WINDOW_NAME,
    configuration,
)


def record_of(grid: pl.DataFrame) -> dict[str, Any]:
    return build_study(grid, NO_SCORES, seed=1, resamples=100)  # type: ignore[return-value]


def table_of(name: str, record: dict[str, Any]) -> ReportTable:
    return next(table for table in build_tables(record) if table.name == name)  # type: ignore[arg-type]


def read_column(table: ReportTable, head: str) -> list[Any]:
    place = [title.replace("\u00a0", " ") for title, _ in table.heads].index(head)
    return [row[place] for row in table.rows]


def read_columns(table: ReportTable) -> dict[str, list[Any]]:
    heads = [title.replace("\u00a0", " ") for title, _ in table.heads]
    return {head: read_column(table, head) for head in heads}


def test_the_tables_come_in_the_order_of_reading() -> None:
    assert [table.name for table in build_tables(STUDY)] == ["slopes", "claims", "matched", "paper", "others"]
    assert all(len(row) == len(table.heads) for table in build_tables(STUDY) for row in table.rows)


def test_slopes_have_their_interval_and_their_tests_with_the_main_setting_first() -> None:
    assert read_columns(table_of("slopes", STUDY)) == {  # type: ignore[arg-type]
        "strategy": ["instruction-meso", "response-macro", "response-micro", "response-micro"],
        "setting": [MAIN_NAME, MAIN_NAME, MAIN_NAME, WINDOW_NAME],
        "slope": [-0.05, 0.02, 0.5, 0.4],
        "95 % CI from": pytest.approx([-0.07, 0.0, 0.48, 0.38]),
        "to": pytest.approx([-0.01, 0.06, 0.54, 0.44]),
        "P(slope > 0)": [0.987] * 4,
        "p (Holm)": [0.5, 0.06, 0.001, 0.03],
        "r": [0.91] * 4,
        "degrees differ, p (Holm)": [0.022] * 4,
        "not linear, p": [0.33] * 4,
        "at equal length: this strategy": [None, "no plain effect", "cannot tell", None],
        "at equal length: all strategies": [None, None, "explained by length", None],
    }


def test_claims_without_another_strategy_to_compare_with_are_left_out() -> None:
    assert read_columns(table_of("claims", STUDY)) == {  # type: ignore[arg-type]
        "claim of the paper": ["main claim", "window claim"],
        "this study": ["supported", "cannot tell"],
        "setting": [MAIN_NAME, WINDOW_NAME],
        "p if false": [0.2, 0.2],
        "p if true": [0.7, 0.7],
        "compared with": [5, 2],
    }


def test_what_is_left_over_length_matched_random_has_its_interval() -> None:
    assert read_columns(table_of("matched", STUDY)) == {  # type: ignore[arg-type]
        "strategy": ["response-micro"] * 2,
        "degree": [6, 0],
        "setting": [MAIN_NAME] * 2,
        "difference": [0.05, -0.3],
        "95 % CI from": [0.02, -0.36],
        "to": [0.09, -0.23],
        "p (Holm)": [0.007, 0.0008],
        "response tokens": [86.0, 80.0],
    }


def test_slopes_stand_beside_the_paper_s() -> None:
    paper = table_of("paper", STUDY)  # type: ignore[arg-type]
    assert read_column(paper, "slope") == [-0.05, 0.02, 0.5, 0.4]
    assert read_column(paper, "the paper, 10K")[0] == 4.93  # the paper's Table 1
    assert read_column(paper, "the paper, 30K") == [2.07, 0.59, 10.06, 10.06]


def test_all_other_outcomes_have_their_slopes() -> None:
    others = read_columns(table_of("others", STUDY))  # type: ignore[arg-type]
    assert (others["outcome"], others["slope"], others["p (Holm)"]) == (["likelihood win rate"], [0.11], [0.9])


def test_numbers_have_formats_and_differences_a_sign() -> None:
    formats = {title: form for table in build_tables(STUDY) for title, form in table.heads}
    assert {formats[name] for name in ("slope", "difference", "to")} == {"+.3f"}
    assert formats["strategy"] == "" and formats["p\u00a0(Holm)"] == ".2g"
    formats = dict(build_cell_table(STUDY, CELLS).heads)
    assert (formats["bpb reduction"], formats["likelihood win rate"]) == ("+.3f", ".3f")


def test_every_cell_has_a_row_with_its_numbers_those_of_the_main_setting_first() -> None:
    table = build_cell_table(STUDY, CELLS)
    assert read_column(table, "cell") == [
        "meso-0", "meso-6", "macro-0", "micro-0-a", "micro-0-b", "micro-6-a", "random-a", "random-b", "window",
    ]  # fmt: skip
    assert {head: values[4] for head, values in read_columns(table).items()} == {
        "cell": "micro-0-b",
        "strategy": "response-micro",
        "degree": 0,
        "seed": 1,
        "setting": MAIN_NAME,
        "bpb reduction": -0.04,
        "random's 95 % range": "within",
        "likelihood win rate": 0.5,
        "response tokens": 43.0,
        "trained tokens": 45_000,
        "units k": 1205,
        "candidate rows": 2000,
        "response token entropy": 7.25,
        "response self-BLEU": 0.375,
        "revision": "abcdef0123",
    }


def test_a_cell_outside_the_range_of_random_is_above_or_below_it() -> None:
    table = build_cell_table(STUDY, CELLS)
    places = dict(zip(read_column(table, "cell"), read_column(table, "random's 95 % range"), strict=True))
    assert places == {
        "meso-0": "within", "meso-6": "within", "macro-0": "within", "micro-0-a": "below", "micro-0-b": "within",
        "micro-6-a": "above", "random-a": None, "random-b": None, "window": None,
    }  # fmt: skip


def test_a_column_without_values_is_left_out() -> None:
    table = build_cell_table(STUDY, CELLS.with_columns(likelihood_win_rate=pl.lit(None, pl.Float64)))
    assert "likelihood win rate" not in [title for title, _ in table.heads]


def test_what_was_run_is_listed_with_strategies_of_equal_degrees_and_seeds_together() -> None:
    grid = pl.concat(
        [
            planted_grid(dict.fromkeys(UNIT_STRATEGIES[:2], 0.0), seeds=2, random=5),
            planted_grid({"response-micro": 0.0}, degrees=(0, 6), seeds=3, random=0).with_columns(
                experiment=pl.format("{}-other", "experiment")
            ),
        ]
    )
    assert describe_runs(record_of(grid), select_comparable(grid)) == [  # type: ignore[arg-type]
        "500 rows: instruction-macro, instruction-meso at degrees 0, 2, 4, 6 × 2 seeds; random × 5; "
        "response-micro at degrees 0, 6 × 3 seeds."
    ]
    main = CELLS.filter(pl.col("condition") == MAIN_CONDITION)
    assert describe_runs(STUDY | {"settings": STUDY["settings"][:1]}, main) == [
        "500 rows: instruction-meso at degrees 0, 6 × 1 seeds; random × 2; response-macro at degrees 0 × 1 seeds; "
        "response-micro at degrees 0, 6 × 1 to 2 seeds."
    ]


def test_a_real_study_has_its_tables() -> None:
    record = record_of(planted_grid(dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.1}))
    slopes = table_of("slopes", record)
    assert read_column(slopes, "strategy") == list(UNIT_STRATEGIES)
    assert read_column(slopes, "slope") == [
        row["value"] for row in record["slopes"] if row["outcome"] == "bpb_reduction"
    ]
    few = record_of(planted_grid({"response-micro": 0.0}, degrees=(0, 6)))
    assert [table.name for table in build_tables(few)] == ["slopes", "paper", "others"]  # type: ignore[arg-type]


def test_the_last_rung_of_a_staged_grid_is_a_table_and_its_cells_are_named() -> None:
    rows = [configuration("response-micro", 6, 0.3, cells=9), configuration("response-macro", 0, 0.1, **WINDOW)]
    staged = validate_study(RECORD | {"confirmed": rows})
    table = build_tables(staged)[0]
    heads = ["strategy", "degree", "setting", "gain over random", "95 % CI from", "to", "p (Holm)", "fresh seeds"]
    assert table.name == "confirmed"
    assert [head.replace("\u00a0", " ") for head, _ in table.heads] == [*heads, "response tokens"]
    assert table.rows[0] == ["response-micro", 6, MAIN_NAME, *map(pytest.approx, [0.2, 0.1, 0.35]), 0.004, 9, 86.0]
    assert table.rows[1][:3] == ["response-macro", 0, WINDOW_NAME]
    cells = build_cell_table(staged, CELLS.with_columns(fresh=pl.Series([1, *[0] * (CELLS.height - 1)])))
    place = [head for head, _ in cells.heads].index("rung")
    assert sorted(str(row[place]) for row in cells.rows) == ["choice"] * (len(cells.rows) - 1) + ["last"]
    assert "rung" not in [head for head, _ in build_cell_table(STUDY, CELLS).heads]
