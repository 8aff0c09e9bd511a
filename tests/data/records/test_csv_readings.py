"""Readings of CSV lines: what a quote may be, what each reading costs, and where all readings agree."""

import pytest

from m2m.data.records.csv_readings import NEW_ROW, Costs, Dialect, cross_line, find_sure_starts

COMMAS = Dialect(",", 2, is_spaced=False)
SECOND = 1  # inside the second field


def find_starts(text: str, is_end: bool = True) -> list[bool | None]:
    crossings = []
    costs: Costs = {NEW_ROW: 0}
    for line in text.splitlines(keepends=True):
        crossings.append(cross_line(line, COMMAS, costs))
        costs = crossings[-1].costs
    return find_sure_starts(crossings, is_end)


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("a,b\n", {NEW_ROW: 0}),
        ("a\n", {NEW_ROW: 1}),  # another number of fields costs one
        ("\n", {NEW_ROW: 0}),
        ('a,"b"\n', {NEW_ROW: 0, SECOND: 1}),  # or its last quote is stray
        ('a,"b\n', {SECOND: 0, NEW_ROW: 1}),
        ('a,"b""\n', {SECOND: 0, NEW_ROW: 1}),  # two quotes are one, or the first is stray
        ('a,b 5"\n', {NEW_ROW: 1}),
        ('a, "b"\n', {NEW_ROW: 2}),
    ],
)
def test_a_reading_costs_as_many_quotes_as_it_takes_for_stray(line: str, ends: Costs) -> None:
    assert cross_line(line, COMMAS, {NEW_ROW: 0}).costs == ends


def test_where_blanks_may_precede_a_quote_it_opens_a_field() -> None:
    spaced = cross_line('a, "b"\n', COMMAS._replace(is_spaced=True), {NEW_ROW: 0})
    assert spaced.costs == {NEW_ROW: 0, SECOND: 1}


def test_readings_far_above_the_best_are_dropped() -> None:
    assert cross_line("a,b\n", COMMAS, {NEW_ROW: 0, SECOND: 4}).costs == {NEW_ROW: 0}


def test_quotes_around_all_fields_leave_no_doubt_beside_a_broken_row() -> None:
    broken = '"q1","He said "hi"\nWell, yes\nand left."\n'
    starts = find_starts(f'"q0","a, b"\n{broken}"q2","c, d"\n')
    assert starts == [True, True, None, None, True, True]


def test_rows_that_two_more_stray_quotes_would_join_are_in_doubt() -> None:
    assert find_starts('q0,"a"\nq1,b 5"\n') == [True, None, None]  # or nothing closes q0
    assert find_starts('q0,a\nq1,b 5"\n') == [True, True, True]


def test_a_field_that_nothing_closes_casts_doubt_on_all_that_follows() -> None:
    assert find_starts('a,b\nc,"d\ne,f\n') == [True, True, None, None]


def test_the_end_of_a_part_of_a_file_begins_a_row() -> None:
    assert find_starts('c,"d\ne,f\n', is_end=False)[-1] is True
