"""What each configuration adds to random: the largest difference on top, two intervals each, zero marked."""

from typing import Any

import pytest

from m2m.study.figures.against_random import draw_random_panels
from tests.study.figures.charts import pick, read_axis, read_layers, read_legend
from tests.study.known_study import MAIN_NAME, STUDY, WINDOW_NAME

ZERO, THIN, THICK, POINT = range(4)


@pytest.fixture(scope="module")
def panels() -> list[Any]:
    return draw_random_panels(STUDY, "bpb_reduction")


def test_there_is_a_panel_a_setting_as_tall_as_it_has_rows(panels: list[Any]) -> None:
    assert [(panel.to_dict()["title"], panel.to_dict()["height"]) for panel in panels] == [
        (MAIN_NAME, 105),
        (WINDOW_NAME, 15),
    ]


def test_the_zero_line_is_at_zero_and_intervals_reach_from_low_to_high(panels: list[Any]) -> None:
    layers = read_layers(panels[0])
    bars = {"y": "configuration", "color": "look"}
    assert layers[ZERO].rows == [{"zero": 0}]
    assert [(layer.mark, layer.fields) for layer in layers] == [
        ("rule", {"x": "zero"}),
        ("rule", {"x": "all_low", "x2": "all_high"} | bars),
        ("rule", {"x": "low", "x2": "high"} | bars),
        ("point", {"x": "value", "shape": "look", "description": "text"} | bars),
    ]


def test_configurations_stand_in_the_order_of_their_difference(panels: list[Any]) -> None:
    names = [
        "response-micro 6",
        "lengths of response-micro 6",
        "k-center",
        "response-macro 0",
        "instruction-meso 0",
        "instruction-meso 6",
        "response-micro 0",
    ]
    for layer in read_layers(panels[0])[1:]:
        assert [row["configuration"] for row in layer.rows] == names
        assert [row["value"] for row in layer.rows] == pytest.approx([0.2, 0.15, 0.02, 0.0, -0.03, -0.05, -0.3])
    assert all(
        layer["encoding"]["y"]["sort"] == names for layer in panels[0].to_dict()["layer"] if "y" in layer["encoding"]
    )


def test_a_row_has_its_two_intervals_in_numbers_and_words(panels: list[Any]) -> None:
    [row] = [row for row in read_layers(panels[0])[POINT].rows if row["configuration"] == "response-micro 0"]
    ends = [row[name] for name in ("low", "high", "all_low", "all_high")]
    assert ends == pytest.approx([-0.35, -0.23, -0.4, -0.15])
    assert row["text"] == (
        "response-micro at degree 0 − random: −0.300, 95 % CI −0.350 to −0.230; "
        "simultaneous 95 % CI −0.400 to −0.150; Holm p 0.004; two of its seeds share at least 7 % of their rows"
    )
    assert pick(read_layers(panels[1])[POINT], "configuration", "look") == [("response-micro 6", "micro (tokens)")]


def test_the_panels_share_one_range_that_holds_zero_and_all_intervals(panels: list[Any]) -> None:
    for panel in panels:
        axis = read_axis(panel, "x")
        assert axis["title"] == "bpb reduction: difference from random"
        assert axis["domain"] == pytest.approx([-0.4 - 0.75 / 20, 0.35 + 0.75 / 20])
    [panel] = draw_random_panels(STUDY | {"against_random": STUDY["against_random"][3:4]}, "bpb_reduction")
    assert read_axis(panel, "x")["domain"] == pytest.approx([-0.35 / 20, 0.35 + 0.35 / 20])


def test_the_legend_has_a_look_for_baselines_without_a_scale(panels: list[Any]) -> None:
    assert list(read_legend(panels[0])) == [
        "macro (clusters)", "meso (tags)", "micro (tokens)", "length-matched random", "other baseline",
    ]  # fmt: skip


def test_rows_that_were_not_compared_are_left_out() -> None:
    bare = {name: value for name, value in STUDY["against_random"][2].items() if name != "p_holm"}
    assert draw_random_panels(STUDY | {"against_random": [bare]}, "bpb_reduction") == []  # type: ignore[arg-type]
