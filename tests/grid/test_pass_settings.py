"""Cells of one seed whose passes by the base model had other settings never stand in a study as if they were equal."""

from typing import Any

import pytest

from m2m.grid.pass_settings import keep_one_pass

SHORT, LONG = {"batch_size": 8, "max_length": 512}, {"batch_size": 8, "max_length": 1024}


def cells(strategy: str = "ifd", **passes: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    rows = [
        {
            "experiment": name,
            "provenance": "p",
            "strategy": strategy if passes[name] else "random",
            "prefilter": "random",
        }
        for name in passes
    ]
    return rows, {name: {strategy: settings} if settings else {} for name, settings in passes.items()}


def names(rows: Any) -> list[str]:
    return [row["experiment"] for row in rows]


def test_of_two_passes_todays_stays_and_the_other_is_counted_with_what_differs() -> None:
    rows, passes = cells(a=SHORT, b=SHORT, c=LONG, d={})
    kept, sentences = keep_one_pass(rows, passes, {"ifd": LONG})
    assert names(kept) == ["c", "d"]
    assert sentences == [
        "left out: 2 cells of ifd by a pass with other settings of difficulty than today's (max_length 512, not 1024); "
        "set difficulty so in params.yaml to collect them in place of the others"
    ]


def test_without_todays_pass_the_most_frequent_one_stays_and_both_are_told() -> None:
    rows, passes = cells("rds-plus", a=LONG, b=SHORT, c=SHORT)
    kept, [short, long] = keep_one_pass(rows, passes, {"rds-plus": {"batch_size": 4, "max_length": 512}})
    assert names(kept) == ["b", "c"]
    words = "of rds-plus by a pass with other settings of represent than today's"
    assert short == f"2 cells {words} (batch_size 8, not 4)"
    assert long.startswith(
        f"left out: 1 cell {words} (batch_size 8, not 4, max_length 1024, not 512); set represent so"
    )


def test_a_pass_is_chosen_within_a_provenance() -> None:
    rows, passes = cells(a=SHORT, b=LONG)
    rows[0]["provenance"] = "older"
    kept, [sentence] = keep_one_pass(rows, passes, {"ifd": LONG})
    assert names(kept) == ["a", "b"] and sentence.startswith("1 cell of ifd by a pass")


def test_a_cell_stays_only_where_both_its_passes_are_those_of_the_others() -> None:
    rows, passes = cells(a=LONG, b=LONG, c=SHORT)
    for name, settings in {"a": SHORT, "b": LONG, "c": SHORT}.items():
        passes[name]["rds-plus"] = settings
    kept, [difficulty, represent] = keep_one_pass(rows, passes, {"ifd": LONG, "rds-plus": SHORT})
    assert names(kept) == ["a"]
    assert difficulty.startswith("left out: 1 cell of ifd by a pass with other settings of difficulty")
    assert represent.startswith("left out: 1 cell of rds-plus by a pass with other settings of represent")


def test_passes_of_two_strategies_that_cross_leave_the_cells_of_one() -> None:
    rows, passes = cells(a=LONG, b=SHORT)
    for name, settings in {"a": LONG, "b": SHORT}.items():
        passes[name]["rds-plus"] = settings
    kept, [difficulty, represent] = keep_one_pass(rows, passes, {"ifd": LONG, "rds-plus": SHORT})
    assert names(kept) == ["a"]
    assert difficulty.startswith("left out: 1 cell of ifd by a pass")
    assert represent.startswith("1 cell of rds-plus by a pass with other settings of represent than today's")


@pytest.mark.parametrize("block", [{}, LONG], ids=["no pass", "one pass"])
def test_where_nothing_differs_all_cells_stay_in_silence(block: dict[str, Any]) -> None:
    rows, passes = cells(a=block, b=block)
    assert keep_one_pass(rows, passes, {"ifd": LONG}) == (rows, [])
