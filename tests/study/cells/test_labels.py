"""The words for settings, kinds of cell and lists."""

import pytest

from m2m.study.cells.labels import (
    describe_borrowed_random,
    describe_setting,
    join_words,
    label_setting,
    name_configuration,
    select_rows,
)


def test_settings_are_told_apart_by_what_they_do_not_share() -> None:
    windows = [
        {"condition": f"rows, {window}, uniform weights, slack 1.5", "size": 500, "budget": "rows"}
        for window in ("any length", "40..120 tokens each")
    ]
    assert [label_setting(one, windows) for one in windows] == ["500 rows, any length", "500 rows, 40..120 tokens each"]
    assert label_setting(windows[0], windows[:1]) == "500 rows"
    assert describe_setting(windows[1]) == "500 rows, 40..120 tokens each, uniform weights, slack 1.5"


def test_sizes_and_budgets_are_in_the_name() -> None:
    both = [
        {"condition": f"{budget}, any length", "size": size, "budget": budget}
        for budget, size in (("rows", 500), ("tokens", 40_000))
    ]
    assert [label_setting(one, both) for one in both] == ["500 rows", "40000 tokens"]


def test_only_a_strategy_with_degrees_is_named_with_one() -> None:
    assert name_configuration({"strategy": "response-micro", "degree": 6}) == "response-micro at degree 6"
    assert name_configuration({"strategy": "k-center", "degree": 0}) == "k-center"


def test_random_of_a_subsets_lengths_is_named_after_the_subset() -> None:
    row = {"strategy": "stratified-length", "match": "response-macro", "degree": 6}
    assert name_configuration(row) == "random with the lengths of response-macro at degree 6"


def test_whose_random_cells_a_row_is_compared_with_is_told_where_they_are_not_its_own() -> None:
    row = {"condition": "rows, 40..120 tokens each, slack 1.5", "random_condition": "rows, any length, slack 1.5"}
    assert describe_borrowed_random(row) == " (random rows of any length; no random of this setting was run)"
    assert describe_borrowed_random(row | {"random_condition": row["condition"]}) == ""


@pytest.mark.parametrize(
    ("words", "text"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
    ids=["one", "two", "three"],
)
def test_a_list_reads_as_a_sentence(words: list[str], text: str) -> None:
    assert join_words(words) == text


def test_rows_agree_in_all_that_is_asked_and_a_lacking_column_is_none() -> None:
    rows = [{"a": 1, "b": 2}, {"a": 1}]
    assert select_rows(rows, {"a": 1}) == rows
    assert select_rows(rows, {"a": 1, "b": 2}) == rows[:1]
    assert select_rows(rows, {"b": None}) == rows[1:]
