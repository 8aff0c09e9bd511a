"""The main figure of a known study: each layer draws the study's own numbers where they belong."""

from typing import Any

import pytest

from m2m.study.figures.effects import draw_effect_panels
from tests.study.figures.charts import pick, read_axis, read_layers, read_legend
from tests.study.known_study import CELLS, MAIN_NAME, RANDOM_TEXT, STUDY, WINDOW_NAME

BAND, MEAN, NAME, AREA, LINE, INTERVAL, SMALL, LARGE = range(8)


@pytest.fixture(scope="module")
def panels() -> list[Any]:
    return draw_effect_panels(STUDY, CELLS, "bpb_reduction", STUDY["settings"])


def test_there_is_a_panel_a_setting_and_side_that_was_run(panels: list[Any]) -> None:
    assert [panel.to_dict()["title"] for panel in panels] == [
        f"instructions · {MAIN_NAME}",
        f"responses · {MAIN_NAME}",
        f"responses · {WINDOW_NAME}",
    ]
    assert len(draw_effect_panels(STUDY, CELLS, "bpb_reduction", STUDY["settings"][1:])) == 1


def test_every_layer_has_its_mark_and_its_fields(panels: list[Any]) -> None:
    at = {"x": "degree", "color": "look", "description": "text"}
    assert [(layer.mark, layer.fields) for layer in read_layers(panels[1])] == [
        ("rect", {"y": "low", "y2": "high", "description": "text"}),
        ("rule", {"y": "mean", "description": "text"}),
        ("text", {"y": "mean", "description": "text"}),
        ("area", {"y": "low", "y2": "high"} | at),
        ("line", {"y": "middle"} | at),
        ("rule", {"y": "low", "y2": "high"} | at),
        ("point", {"y": "worth", "shape": "look"} | at),
        ("point", {"y": "worth", "shape": "look"} | at),
    ]


def test_the_grey_range_is_that_of_the_random_cells_compared_with(panels: list[Any]) -> None:
    for panel in panels:  # the window has no random cells: it is compared with those of the main setting
        for place in (BAND, MEAN, NAME):
            assert read_layers(panel)[place].rows == [{"low": -0.05, "high": 0.25, "mean": 0.1, "text": RANDOM_TEXT}]


def test_a_mean_has_the_interval_of_its_difference_from_random_around_it(panels: list[Any]) -> None:
    for place in (INTERVAL, LARGE):
        rows = read_layers(panels[1])[place].rows
        assert [(row["look"], row["degree"], row["worth"]) for row in rows] == [
            ("macro (clusters)", -0.14, 0.1),
            ("micro (tokens)", 0.14, -0.2),
            ("micro (tokens)", 6.14, 0.3),
            ("length-matched random", 6.26, 0.25),
        ]
        assert [row["low"] for row in rows] == pytest.approx([0.05, -0.25, 0.25, 0.2])  # random's mean is 0.1
        assert [row["high"] for row in rows] == pytest.approx([0.17, -0.13, 0.37, 0.32])
    words = read_layers(panels[1])[LARGE].rows[2]["text"]
    difference = "+0.200 from random, 95 % CI 0.150 to 0.270"
    assert words == f"response-micro at degree 6: +0.300, mean of 4 cells; {difference}; 86 response tokens"


def test_the_interval_stands_around_the_dashed_line_also_where_the_difference_is_not_the_means() -> None:
    """As within seeds: a bar crosses the line where its interval holds 0."""
    row = STUDY["against_random"][2] | {"value": -0.02, "low": -0.05, "high": 0.01}
    [panel] = draw_effect_panels(STUDY | {"against_random": [row]}, CELLS, "bpb_reduction", STUDY["settings"][:1])
    [mark] = read_layers(panel)[INTERVAL].rows
    assert (mark["worth"], mark["low"], mark["high"]) == pytest.approx((-0.2, 0.05, 0.11))


def test_a_mean_that_is_not_compared_with_random_has_no_interval() -> None:
    row = STUDY["against_random"][2]
    bare = {name: value for name, value in row.items() if name not in ("low", "high", "value")}
    [panel] = draw_effect_panels(STUDY | {"against_random": [bare]}, CELLS, "bpb_reduction", STUDY["settings"][:1])  # type: ignore[arg-type]
    [mark] = read_layers(panel)[LARGE].rows
    assert "low" not in mark and mark["text"] == "response-micro at degree 0: −0.200, mean of 4 cells"


def test_a_straight_line_is_drawn_where_the_slope_is_significant_and_nowhere_else(panels: list[Any]) -> None:
    for place in (AREA, LINE):
        layer = read_layers(panels[1])[place]
        assert pick(layer, "look", "degree") == [
            ("micro (tokens)", 0.0),
            ("micro (tokens)", 3.0),
            ("micro (tokens)", 6.0),
        ]
        assert [row["middle"] for row in layer.rows] == pytest.approx([0.05, 0.30, 0.55])
        assert [row["low"] for row in layer.rows] == pytest.approx([0.04, 0.29, 0.54])
        assert [row["high"] for row in layer.rows] == pytest.approx([0.08, 0.33, 0.58])
        assert layer.rows[0]["text"] == "response-micro: slope +0.500 (95 % CI 0.480 to 0.540), Holm p 0.001"
    assert read_layers(panels[0])[LINE].rows == []


def test_no_line_is_drawn_over_a_cliff() -> None:
    cliffs = [row | {"bend_p": 0.01, "step_p": 0.5} for row in STUDY["shapes"]]
    panels = draw_effect_panels(STUDY | {"shapes": cliffs}, CELLS, "bpb_reduction", STUDY["settings"][:1])
    assert [read_layers(panel)[place].rows for panel in panels for place in (AREA, LINE)] == [[]] * 4


def test_every_cell_is_a_small_mark(panels: list[Any]) -> None:
    layer = read_layers(panels[1])[SMALL]
    assert pick(layer, "degree", "worth") == [(-0.14, 0.1), (0.14, -0.2), (0.14, -0.04), (6.14, 0.3)]
    assert layer.rows[1]["text"] == "micro-0-a: response-micro, degree 0, seed 0: −0.200"
    assert pick(read_layers(panels[2])[SMALL], "worth") == [(0.11,)]


def test_all_panels_have_one_range_that_holds_every_mark(panels: list[Any]) -> None:
    low, high = -0.25, 0.58
    for panel in panels:
        axis = read_axis(panel, "y")
        assert axis["title"] == "bpb reduction"
        assert axis["domain"] == pytest.approx([low - (high - low) / 20, high + (high - low) / 20])
        assert read_axis(panel, "x")["title"] == "degree of diversity"


def test_the_legend_names_the_looks_that_are_shown(panels: list[Any]) -> None:
    assert read_legend(panels[1]) == {
        "macro (clusters)": ("#0072B2", "circle"),
        "micro (tokens)": ("#009E73", "triangle-up"),
        "length-matched random": ("#D55E00", "diamond"),
    }


def test_a_share_has_no_sign() -> None:
    [panel] = draw_effect_panels(STUDY, CELLS, "likelihood_win_rate", STUDY["settings"])
    layers = read_layers(panel)
    assert layers[LARGE].rows[0]["text"].startswith("response-micro at degree 6: 0.610, mean of 4 cells; +0.")
    assert layers[MEAN].rows[0]["text"] == "random, 5 cells: mean 0.500, 95 % of random cells 0.400 to 0.625"
    assert layers[SMALL].rows[1]["text"].endswith(": 0.400")
