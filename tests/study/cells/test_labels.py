"""The words for settings, configurations, numbers and lists."""

from typing import cast

import pytest

from m2m.schemas.study_numbers import Place
from m2m.study.cells.labels import (
    describe_borrowed_random,
    describe_setting,
    format_difference,
    format_interval,
    format_level,
    format_p,
    format_shared_rows,
    join_words,
    label_configuration,
    label_setting,
    name_configuration,
    select_place,
    select_rows,
    start_sentence,
)
from tests.study.study_rows import PLACE, gain, make_study


def test_settings_are_told_apart_by_what_they_do_not_share() -> None:
    windows = [
        {"condition": f"rows, {window}, uniform weights, slack 1.5", "size": 500, "budget": "rows"}
        for window in ("any length", "40..120 tokens each")
    ]
    assert [label_setting(window, windows) for window in windows] == [
        "500 rows, any length",
        "500 rows, 40..120 tokens each",
    ]
    assert label_setting(windows[0], windows[:1]) == "500 rows"
    assert describe_setting(windows[1]) == "500 rows, 40..120 tokens each, uniform weights, slack 1.5"


def test_sizes_and_budgets_are_in_the_name() -> None:
    settings = [
        {"condition": f"{budget}, any length", "size": size, "budget": budget}
        for budget, size in (("rows", 500), ("tokens", 40_000))
    ]
    assert [label_setting(setting, settings) for setting in settings] == ["500 rows", "40000 tokens"]


def test_only_a_strategy_with_degrees_is_named_with_one() -> None:
    assert name_configuration({"strategy": "response-micro", "degree": 6}) == "response-micro at degree 6"
    assert name_configuration({"strategy": "k-center", "degree": 0}) == "k-center"


def test_length_matched_random_is_named_after_the_subset() -> None:
    row = {"strategy": "length-matched", "match": "response-macro", "degree": 6}
    assert name_configuration(row) == "length-matched random for response-macro at degree 6"


def test_whose_random_cells_a_row_is_compared_with_is_told_where_they_are_not_its_own() -> None:
    row = {"condition": "rows, 40..120 tokens each, slack 1.5", "random_condition": "rows, any length, slack 1.5"}
    assert describe_borrowed_random(row) == "This setting has no random cells; those of any length are used."
    assert describe_borrowed_random(row | {"random_condition": row["condition"]}) == ""
    row = {
        "condition": "rows, any length, lengths as random, slack 1.5",
        "random_condition": "rows, any length, slack 1.5",
    }
    assert describe_borrowed_random(row) == (
        "This setting has no random cells; those without lengths as random are used."
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0028, "+0.003"),
        (-0.0151, "−0.015"),
        (0.0004, "0.000"),
        (-0.0004, "0.000"),
        (0.0006, "+0.001"),
        (1.5, "+1.500"),
    ],
)
def test_a_difference_has_three_decimals_a_true_minus_and_a_sign_unless_it_is_0(value: float, text: str) -> None:
    assert format_difference(value) == text


def test_a_share_has_no_sign_and_a_bpb_reduction_has_one() -> None:
    assert format_level("likelihood_win_rate", 0.5146) == "0.515"
    assert format_level("bpb_reduction", 0.5146) == "+0.515"


def test_an_interval_runs_from_low_to_high_without_plus_signs() -> None:
    row = {"low": -0.0007, "high": 0.0064, "all_low": 0.0011, "all_high": 0.0099}
    assert format_interval(row) == "−0.001 to 0.006"
    assert format_interval(row, "all_low", "all_high") == "0.001 to 0.010"


@pytest.mark.parametrize(("p", "text"), [(0.0009, "< 0.001"), (0.001, "0.001"), (0.00984, "0.0098"), (0.2512, "0.25")])
def test_a_p_has_two_digits_and_a_small_one_is_below_a_thousandth(p: float, text: str) -> None:
    assert format_p(p) == text


def test_a_place_has_the_rows_of_its_outcome_and_setting_in_every_list() -> None:
    rows = [gain(0.1), gain(0.2, size=900), gain(0.3, outcome="likelihood_win_rate"), gain(0.4, condition="tokens")]
    lists = ("floors", "against_random", "matched", "slopes", "shapes", "lengths", "metrics", "claims", "paper")
    study = select_place(make_study(**dict.fromkeys((*lists, "verdict"), rows)), cast(Place, PLACE))
    assert all(study[name] == rows[:1] for name in (*lists, "verdict"))  # type: ignore[literal-required]
    assert study["cells"] == 34


def test_a_sentence_starts_with_a_capital_letter() -> None:
    assert start_sentence("response-micro: +1 BPB") == "Response-micro: +1 BPB"


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


def test_a_measured_overlap_is_told_from_its_lower_bound() -> None:
    assert format_shared_rows({"shared_rows": 0.312, "overlap_measured": True}) == "31 %"
    assert format_shared_rows({"shared_rows": 0.667}) == "at least 67 %"


def test_a_prefilter_stands_in_the_name_of_what_chose_among_its_rows() -> None:
    near = {"strategy": "random", "match": "random", "degree": 0, "prefilter": "rds-plus", "prefilter_share": 0.125}
    assert name_configuration(near) == "random of the 12.5 % nearest the examples by rds-plus"
    dialled = near | {"strategy": "response-micro", "degree": 6}
    assert label_configuration(dialled) == "response-micro 6, rds-plus 12.5 %"
    assert name_configuration(dialled | {"prefilter": "random"}) == "response-micro at degree 6"
