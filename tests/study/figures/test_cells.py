"""What the degree did to a subset: the mean over seeds at each degree, and random's mean dashed."""

import pytest

from m2m.study.figures.cells import draw_cell_panels
from tests.study.figures.charts import pick, read_axis, read_layers
from tests.study.known_study import CELLS, MAIN_NAME, STUDY, WINDOW_NAME

RANDOM, NAME, LINE, POINT = range(4)


def test_a_point_is_the_mean_over_the_seeds_of_a_degree() -> None:
    panels = draw_cell_panels(CELLS, STUDY["settings"], "mean_response_tokens", "linear")
    assert [panel.to_dict()["title"] for panel in panels] == [
        f"instructions · {MAIN_NAME}",
        f"responses · {MAIN_NAME}",
        f"responses · {WINDOW_NAME}",
    ]
    for place in (LINE, POINT):
        assert pick(read_layers(panels[1])[place], "look", "degree", "value") == [
            ("macro (clusters)", 0, 90.0),
            ("micro (tokens)", 0, 41.5),
            ("micro (tokens)", 6, 100.0),
        ]
    assert read_layers(panels[1])[POINT].rows[1]["text"] == "response-micro at degree 0: mean response tokens 42"


def test_randoms_mean_is_the_dashed_line_of_its_setting() -> None:
    panels = draw_cell_panels(CELLS, STUDY["settings"], "mean_response_tokens", "linear")
    for place in (RANDOM, NAME):
        assert read_layers(panels[1])[place].rows == [{"value": 92.0, "text": "random: mean response tokens 92"}]
    assert [layer.mark for layer in read_layers(panels[1])] == ["rule", "text", "line", "point"]
    assert [layer.mark for layer in read_layers(panels[2])] == ["line", "point"]  # the window has no random cells


def test_fields_axes_and_range_are_those_of_all_panels() -> None:
    panels = draw_cell_panels(CELLS, STUDY["settings"], "mean_response_tokens", "linear")
    at = {"x": "degree", "y": "value", "color": "look"}
    assert read_layers(panels[1])[LINE].fields == at
    assert read_layers(panels[1])[POINT].fields == at | {"shape": "look", "description": "text"}
    for panel in panels:
        axis = read_axis(panel, "y")
        assert axis["title"] == "mean response tokens"
        assert axis["domain"] == pytest.approx([41.5 - 58.5 / 20, 100 + 58.5 / 20])


@pytest.mark.parametrize(
    ("name", "title", "domain", "values"),
    [
        ("k", "units k, log scale", [10, 3000], [10.0, 400.0]),
        ("candidate_rows", "rows in the candidate pool, log scale", [750, 6000], [750.0, 6000.0]),
    ],
)
def test_units_and_pool_have_a_log_scale_and_no_random(
    name: str, title: str, domain: list[float], values: list[float]
) -> None:
    panels = draw_cell_panels(CELLS, STUDY["settings"], name, "log")
    [line, _] = read_layers(panels[0])
    assert [row["value"] for row in line.rows] == values
    assert read_axis(panels[0], "y") == {"title": title, "domain": domain}
    assert panels[0].to_dict()["layer"][0]["encoding"]["y"]["scale"]["type"] == "log"
