"""The words for settings, kinds of cell and lists."""

import pytest

from m2m.study.cells.labels import borrowed, full, kind, listed, of, short


def test_settings_are_told_apart_by_what_they_do_not_share() -> None:
    windows = [
        {"condition": f"rows, {window}, uniform weights, slack 1.5", "size": 500, "budget": "rows"}
        for window in ("any length", "40..120 tokens each")
    ]
    assert [short(one, windows) for one in windows] == ["500 rows, any length", "500 rows, 40..120 tokens each"]
    assert short(windows[0], windows[:1]) == "500 rows"
    assert full(windows[1]) == "500 rows, 40..120 tokens each, uniform weights, slack 1.5"


def test_sizes_and_budgets_are_in_the_name() -> None:
    both = [
        {"condition": f"{budget}, any length", "size": size, "budget": budget}
        for budget, size in (("rows", 500), ("tokens", 40_000))
    ]
    assert [short(one, both) for one in both] == ["500 rows", "40000 tokens"]


def test_only_a_strategy_with_degrees_is_named_with_one() -> None:
    assert kind({"strategy": "response-micro", "degree": 6}) == "response-micro at degree 6"
    assert kind({"strategy": "k-center", "degree": 0}) == "k-center"


def test_random_of_a_subsets_lengths_is_named_after_the_subset() -> None:
    row = {"strategy": "length-matched", "match": "response-macro", "degree": 6}
    assert kind(row) == "random with the lengths of response-macro at degree 6"


def test_whose_random_cells_a_row_is_compared_with_is_told_where_they_are_not_its_own() -> None:
    row = {"condition": "rows, 40..120 tokens each, slack 1.5", "random_condition": "rows, any length, slack 1.5"}
    assert borrowed(row) == " (random rows of any length; no random of this setting was run)"
    assert borrowed(row | {"random_condition": row["condition"]}) == ""


@pytest.mark.parametrize(
    ("words", "text"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
    ids=["one", "two", "three"],
)
def test_a_list_reads_as_a_sentence(words: list[str], text: str) -> None:
    assert listed(words) == text


def test_rows_agree_in_all_that_is_asked_and_a_lacking_column_is_none() -> None:
    rows = [{"a": 1, "b": 2}, {"a": 1}]
    assert of(rows, {"a": 1}) == rows
    assert of(rows, {"a": 1, "b": 2}) == rows[:1]
    assert of(rows, {"b": None}) == rows[1:]
