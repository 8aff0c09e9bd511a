"""How metrics correlate with the outcome: the study's correlations with their intervals, the highest on top."""

from typing import Any

import pytest

from m2m.study.figures.metrics import CORRELATION_SHIFTS, METRIC_HEIGHT, draw_metric_panels, name_metric
from tests.study.figures.charts import pick, read_axis, read_layers, read_legend
from tests.study.known_study import MAIN_NAME, STUDY

ZERO, INTERVAL, POINT = range(3)
HELD = "given response length"


@pytest.fixture(scope="module")
def panels() -> list[Any]:
    return draw_metric_panels(STUDY, "bpb_reduction")


def test_a_setting_with_one_strategy_has_no_panel(panels: list[Any]) -> None:
    assert [panel.to_dict()["title"] for panel in panels] == [f"instructions · {MAIN_NAME}", f"responses · {MAIN_NAME}"]


def test_metrics_stand_from_the_highest_pearson_correlation_down(panels: list[Any]) -> None:
    for layer in read_layers(panels[1])[1:]:
        assert pick(layer, "metric", "kind", "r") == [
            ("token entropy", "Pearson", 0.7),
            ("token entropy", HELD, 0.4),
            ("token entropy", "the paper's", 0.58),
            ("Vendi score", "Pearson", 0.2),
            ("Vendi score", HELD, 0.5),
            ("self-BLEU", "Pearson", -0.6),
            ("self-BLEU", HELD, -0.3),
        ]
    spec = panels[1].to_dict()
    assert spec["layer"][POINT]["encoding"]["y"]["sort"] == ["token entropy", "Vendi score", "self-BLEU"]
    assert spec["height"] == 3 * METRIC_HEIGHT


def test_each_correlation_has_its_own_interval(panels: list[Any]) -> None:
    rows = {(row["metric"], row["kind"]): row for row in read_layers(panels[1])[INTERVAL].rows}
    plain, held = rows["token entropy", "Pearson"], rows["token entropy", HELD]
    assert [plain["low"], plain["high"], held["low"], held["high"]] == pytest.approx([0.6, 0.75, 0.2, 0.55])
    assert held["text"] == "token entropy, given response length: +0.40, 95 % CI +0.20 to +0.55, 12 points"
    paper = rows["token entropy", "the paper's"]
    assert "low" not in paper and paper["text"] == "token entropy, the paper's: +0.58"
    assert {kind: row["shift"] for (name, kind), row in rows.items() if name == "token entropy"} == {
        "Pearson": CORRELATION_SHIFTS["pearson"], HELD: CORRELATION_SHIFTS["partial"], "the paper's": 0,
    }  # fmt: skip


def test_the_zero_line_is_at_zero_and_the_axis_shows_all_correlations(panels: list[Any]) -> None:
    layers = read_layers(panels[1])
    marks = {"y": "metric", "yOffset": "shift", "color": "kind"}
    assert layers[ZERO].rows == [{"zero": 0}]
    assert [(layer.mark, layer.fields) for layer in layers] == [
        ("rule", {"x": "zero"}),
        ("rule", {"x": "low", "x2": "high"} | marks),
        ("point", {"x": "r", "shape": "kind", "description": "text"} | marks),
    ]
    assert read_axis(panels[1], "x") == {"title": "correlation with bpb reduction", "domain": [-1, 1]}


def test_the_legend_names_the_correlations_that_are_shown(panels: list[Any]) -> None:
    assert read_legend(panels[1]) == {
        "Pearson": ("#0072B2", "circle"), HELD: ("#D55E00", "square"), "the paper's": ("#222222", "cross"),
    }  # fmt: skip
    assert list(read_legend(panels[0])) == ["Pearson", HELD]


def test_a_metric_is_named_without_its_side() -> None:
    assert [name_metric(name) for name in ("response_ngram_ratio_2", "instruction_self_bleu")] == [
        "ngram ratio 2", "self-BLEU",
    ]  # fmt: skip
