"""The bake-off's figure: every selector's gain, both intervals, random's noise, response length and trained tokens."""

import functools
from typing import Any

from m2m.study.bake_off.figure import draw_bake_off, list_marks
from m2m.study.bake_off.words import SELECTOR_HEADER, list_table_rows
from tests.study.bake_off.test_comparison import make_record


@functools.cache
def draw_rows() -> list[Any]:
    spec = draw_bake_off(make_record()).to_dict()
    return list(spec["vconcat"])


def find_layers(panel: Any, mark: str) -> list[Any]:
    return [layer for layer in panel["layer"] if layer["mark"]["type"] == mark]


def test_a_budget_is_a_row_of_three_panels_with_the_largest_gain_on_top() -> None:
    rows, tokens = draw_rows()
    assert rows["title"] == "At equal rows: 500 rows, 8 random cells"
    assert tokens["title"] == "At equal tokens: 48,000 tokens, 3 random cells"
    gain, length, trained = rows["hconcat"]
    [points] = find_layers(gain, "point")
    assert points["encoding"]["y"]["sort"] == ["k-center", "longest"]
    assert [value["value"] for value in points["data"]["values"]] == [0.002, -0.012]
    assert length["layer"][0]["encoding"]["x"]["field"] == "mean_response_tokens"
    assert trained["layer"][0]["encoding"]["x"]["field"] == "trained_tokens"
    assert [panel["layer"][1]["data"]["values"] for panel in (length, trained)] == [
        [{"random": 96.0}],
        [{"random": 48_000.0}],
    ]


def test_random_s_seed_noise_is_shaded_and_both_intervals_are_drawn() -> None:
    gain = draw_rows()[0]["hconcat"][0]
    [shade] = find_layers(gain, "rect")
    assert shade["data"]["values"] == [{"low": -0.0043, "high": 0.0043, "zero": 0}]
    codes = [rule["encoding"] for rule in find_layers(gain, "rule")]
    ends = [(code["x"]["field"], code.get("x2", {}).get("field")) for code in codes]
    assert ends == [("zero", None), ("all_low", "all_high"), ("low", "high")]


def test_both_budgets_have_one_scale_that_holds_every_interval() -> None:
    domains = [row["hconcat"][0]["layer"][0]["encoding"]["x"]["scale"]["domain"] for row in draw_rows()]
    assert domains[0] == domains[1]
    assert domains[0][0] < -0.02 and domains[0][1] > 0.017


def test_a_mark_s_text_and_the_table_have_the_record_s_numbers() -> None:
    assert [mark["text"] for mark in list_marks(make_record(), "tokens")] == [
        "instag − random at equal tokens: +0.009, 95 % CI 0.005 to 0.013; for all together 0.001 to 0.017, "
        "adjusted p 0.04; 120 response tokens per row"
    ]
    rows = list_table_rows(make_record(), "rows")
    assert rows[0] == ("k-center", "5", "+0.002", "−0.003 to 0.007", "0.04", "110", "55,000")
    assert rows[-1] == ("random", "8", "–", "one cell: ±0.004", "–", "96", "48,000")
    assert {len(row) for row in rows} == {len(SELECTOR_HEADER)}
