"""The schedule of the staged grid: its counts, its rules, and the choice of the best."""

from typing import Any

import pytest

from m2m.planning.staging import Schedule, check_schedule, pick_best


def test_the_cells_of_all_rungs_are_counted() -> None:
    assert Schedule((9, 3), (1, 2, 3, 4, 5)).count_cells(27) == 27 + 9 + (3 + 1) * 5
    assert Schedule((9, 3), (1, 2)).count_cells(2) == 2 + 2 + (2 + 1) * 2


@pytest.mark.parametrize(
    ("keep", "fresh", "rule"),
    [
        ([], [8, 9], r"keep must be falling numbers of at least 1, such as \[9, 4, 2\], got \[\]"),
        ([3, 3], [8, 9], r"got \[3, 3\]"),
        ([3, 0], [8, 9], r"got \[3, 0\]"),
        ([3, 1], [8], r"fresh must be two or more different seeds, got \[8\]"),
        ([3, 1], [8, 8], r"fresh must be two or more different seeds, got \[8, 8\]"),
        ([3, 1], [2, 8], "fresh must not contain a seed that chooses, 1 to 2, got 2"),
    ],
)
def test_a_schedule_that_cannot_be_names_its_rule(keep: Any, fresh: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        check_schedule(keep, fresh)


def test_the_best_come_first_and_of_equals_those_listed_first() -> None:
    outcomes = {"low": [0.0, 0.0], "first": [1.0, 3.0], "second": [2.0, 2.0], "lucky": [5.0, -9.0]}
    assert pick_best(outcomes, 3) == ["first", "second", "low"]
    assert pick_best(outcomes, 9) == ["first", "second", "low", "lucky"]
