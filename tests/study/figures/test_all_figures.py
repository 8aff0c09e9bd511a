"""All figures of a study: in the order of reading, the main one first; nothing to show, no figure."""

from typing import Any

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.study import build_study
from m2m.study.cells.cells import select_comparable
from m2m.study.figures.all_figures import draw_figures
from m2m.study.figures.style import Figure
from tests.planted import HISTOGRAM, NO_SCORES
from tests.study.figures.charts import read_layers
from tests.study.known_study import CELLS, MAIN_NAME, STUDY, WINDOW_NAME

WINDOW: dict[str, Any] = {"min_tokens": 40, "max_tokens": 120, "random": 0}


def draw(grid: pl.DataFrame) -> tuple[dict[str, Any], dict[str, Figure]]:
    record = build_study(
        grid.with_columns(likelihood_win_rate=pl.lit(None, pl.Float64)), NO_SCORES, seed=1, resamples=100
    )
    return record, {figure.name: figure for figure in draw_figures(record, select_comparable(grid), {})}  # type: ignore[return-value]


def list_titles(figure: Figure) -> list[str]:
    return [panel.to_dict()["title"] for panel in figure.panels]


def test_figures_come_in_the_order_of_reading_each_with_its_panels() -> None:
    histograms = {side: pl.DataFrame(HISTOGRAM) for side in ("instruction", "response")}
    figures = {figure.name: figure for figure in draw_figures(STUDY, CELLS, histograms)}
    sides = [f"instructions · {MAIN_NAME}", f"responses · {MAIN_NAME}"]
    assert {name: list_titles(figure) for name, figure in figures.items()} == {
        "main": sides,
        "effects-bpb_reduction": [f"responses · {WINDOW_NAME}"],
        "random-bpb_reduction": [MAIN_NAME, WINDOW_NAME],
        "metrics-bpb_reduction": sides,
        "effects-likelihood_win_rate": [f"responses · {MAIN_NAME}"],
        "random-likelihood_win_rate": [MAIN_NAME],
        "lengths": [*sides, f"responses · {WINDOW_NAME}"],
        "pools": [*sides, f"responses · {WINDOW_NAME}"] * 2,
        "bands": ["instructions", "responses"],
    }
    assert [figure.title for figure in figures.values()][:4] == [
        "Bpb reduction against diversity",
        "Bpb reduction against diversity, other settings",
        "Bpb reduction compared with random",
        "Diversity metrics and bpb reduction",
    ]
    assert figures["effects-likelihood_win_rate"].title == "Likelihood win rate against diversity"


def test_each_outcome_has_its_own_numbers() -> None:
    figures = {figure.name: figure for figure in draw_figures(STUDY, CELLS, {})}
    shares = read_layers(figures["effects-likelihood_win_rate"].panels[0])[-1].rows
    assert [row["worth"] for row in shares] == [0.61]
    assert read_layers(figures["pools"].panels[1])[-1].rows[1]["value"] == 1202.5  # k before the candidate pool
    assert read_layers(figures["pools"].panels[3])[-1].rows[0]["value"] == 750


def test_a_real_study_has_a_panel_a_setting_and_side_that_was_run() -> None:
    plain = planted_grid(dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.1})
    record, figures = draw(pl.concat([plain, planted_grid({"response-micro": 0.1}, **WINDOW)]))
    names = [f"500 rows, {window} tokens each" for window in ("0..10000", "40..120")]
    assert list_titles(figures["main"]) == [f"instructions · {names[0]}", f"responses · {names[0]}"]
    assert list_titles(figures["effects-bpb_reduction"]) == [f"responses · {names[1]}"]
    assert list_titles(figures["random-bpb_reduction"]) == names
    means = [row["mean"] for row in record["against_random"] if "40..120" not in row["condition"]]
    rows = [row for panel in figures["main"].panels for row in read_layers(panel)[-1].rows]
    assert sorted(row["worth"] for row in rows) == sorted(means)


@pytest.mark.parametrize(
    ("grid", "names"),
    [
        (planted_grid({}, random=3), set()),
        (planted_grid({"response-micro": 0.0}, degrees=(0,), seeds=1, random=0), {"main", "lengths", "pools"}),
        (planted_grid({"response-micro": 0.0}, random=0), {"main", "lengths", "pools"}),
        (planted_grid({"k-center": 0.0}, degrees=(0,)), {"random-bpb_reduction"}),
    ],
    ids=["only random", "one cell", "no random", "no side"],
)
def test_a_figure_without_anything_to_show_is_left_out(grid: pl.DataFrame, names: set[str]) -> None:
    figures = draw(grid)[1]
    assert set(figures) == names
    assert all(panel.to_dict() for figure in figures.values() for panel in figure.panels)
