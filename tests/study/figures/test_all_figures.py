"""The figures of planted studies: what is drawn are the study's own numbers; what is not known is not drawn."""

from typing import Any

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.study.analysis.study import build_study
from m2m.study.cells.cells import STRATEGIES, select_comparable
from m2m.study.cells.labels import select_rows
from m2m.study.figures.all_figures import figures
from m2m.study.figures.style import Figure
from tests.planted import NO_SCORES

WINDOW = {"min_tokens": 40, "max_tokens": 120, "random": 0}


def drawn(grid: pl.DataFrame) -> tuple[dict[str, Any], dict[str, Figure]]:
    record = build_study(
        grid.with_columns(likelihood_win_rate=pl.lit(None, pl.Float64)), NO_SCORES, seed=1, resamples=100
    )
    return record, {figure.name: figure for figure in figures(record, select_comparable(grid), {})}


def marks(figure: Figure, panel: int, field: str) -> list[Any]:
    """Every value of a field in the data of one panel's layers."""
    layers = figure.panels[panel].to_dict()["layer"]
    return [row[field] for layer in layers for row in layer["data"]["values"] if field in row]


@pytest.fixture(scope="module")
def planted() -> tuple[dict[str, Any], dict[str, Figure]]:
    plain = planted_grid(dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.1})
    return drawn(pl.concat([plain, planted_grid({"response-micro": 0.1}, **WINDOW)]))


def titles(figure: Figure) -> list[str]:
    return [panel.to_dict()["title"] for panel in figure.panels]


def test_there_is_a_panel_a_setting_and_side_that_was_run(planted: tuple[dict[str, Any], dict[str, Figure]]) -> None:
    assert titles(planted[1]["effects-bpb_reduction"]) == [
        "instructions · 500 rows, 0..10000 tokens each",
        "responses · 500 rows, 0..10000 tokens each",
        "responses · 500 rows, 40..120 tokens each",
    ]
    assert titles(planted[1]["random-bpb_reduction"]) == [
        "500 rows, 0..10000 tokens each",
        "500 rows, 40..120 tokens each",
    ]
    assert len(planted[1]["lengths"].panels) == 3 and len(planted[1]["pools"].panels) == 6


def test_the_line_and_its_band_are_the_studys(planted: tuple[dict[str, Any], dict[str, Figure]]) -> None:
    record, found = planted
    bands = [row["band"] for row in record["slopes"] if row["strategy"].startswith("instruction")]
    assert marks(found["effects-bpb_reduction"], 0, "middle")[:21] == [
        point["middle"] for band in bands for point in band
    ]


def test_a_mean_stands_in_the_middle_of_its_interval(planted: tuple[dict[str, Any], dict[str, Figure]]) -> None:
    layers = planted[1]["effects-bpb_reduction"].panels[1].to_dict()["layer"]
    means = layers[-1]["data"]["values"]
    assert len(means) == 12
    assert all(row["high"] - row["worth"] == pytest.approx(row["worth"] - row["low"]) for row in means)
    best = max(means, key=lambda row: row["worth"])
    assert best["scale"] == "micro" and best["told"].startswith("response-micro at degree 6: +0.")


def test_the_window_has_the_band_of_the_random_cells_it_is_compared_with(
    planted: tuple[dict[str, Any], dict[str, Figure]],
) -> None:
    record, found = planted
    [floor] = [row for row in record["floors"] if "sd" in row]
    for panel in range(3):
        assert marks(found["effects-bpb_reduction"], panel, "mean")[0] == floor["mean"]


def test_kinds_stand_in_the_order_of_their_gain_over_random(planted: tuple[dict[str, Any], dict[str, Figure]]) -> None:
    values = marks(planted[1]["random-bpb_reduction"], 0, "value")
    assert values[:24] == sorted(values[:24], reverse=True)
    assert values[0] == max(row["value"] for row in planted[0]["against_random"] if "40..120" not in row["condition"])


def test_metrics_stand_with_their_correlation_plain_and_given_length(
    planted: tuple[dict[str, Any], dict[str, Figure]],
) -> None:
    record, found = planted
    [row] = select_rows(
        record["metrics"], {"metric": "response_token_entropy", "condition": record["settings"][0]["condition"]}
    )
    panel = found["metrics-bpb_reduction"].panels[1].to_dict()
    points = [point for point in panel["layer"][-1]["data"]["values"] if point["metric"] == "token entropy"]
    assert [point["r"] for point in points] == [row["pearson_r"], row["partial_r"], 0.58]
    assert not any("40..120" in title for title in titles(found["metrics-bpb_reduction"]))


def test_a_mean_over_seeds_is_drawn_of_what_a_degree_did(planted: tuple[dict[str, Any], dict[str, Figure]]) -> None:
    cells = planted_grid(dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.1})
    some = cells.filter(pl.col("strategy") == "instruction-macro", pl.col("degree") == 0)
    assert marks(planted[1]["lengths"], 0, "value")[1] == pytest.approx(some["mean_response_tokens"].mean())


@pytest.mark.parametrize(
    ("grid", "names"),
    [
        (planted_grid({}, random=3), set()),
        (
            planted_grid({"response-micro": 0.0}, degrees=(0,), seeds=1, random=0),
            {"effects-bpb_reduction", "lengths", "pools"},
        ),
        (planted_grid({"response-micro": 0.0}, random=0), {"effects-bpb_reduction", "lengths", "pools"}),
        (planted_grid({"k-center": 0.0}, degrees=(0,)), {"random-bpb_reduction"}),
    ],
    ids=["only random", "one cell", "no random", "no side"],
)
def test_a_figure_without_anything_to_show_is_left_out(grid: pl.DataFrame, names: set[str]) -> None:
    found = drawn(grid)[1]
    assert set(found) == names
    assert all(panel.to_dict() for figure in found.values() for panel in figure.panels)
