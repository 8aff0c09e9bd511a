"""Planted cells of several sizes: the curves, the words and the figure show the planted numbers."""

import numpy as np
import polars as pl
import pytest

from bench.planted_sizes import UNTUNED, plant_sizes
from m2m.study.sizes.curves import CurveRow, fit_curves
from m2m.study.sizes.figure import draw_sizes
from m2m.study.sizes.words import write_sizes_answer


@pytest.fixture(scope="module")
def curves() -> list[CurveRow]:
    return fit_curves(plant_sizes(np.random.default_rng(3), sd=1e-4), 1)


def test_rows_and_tokens_have_a_curve_each_with_the_planted_numbers(curves: list[CurveRow]) -> None:
    assert [(curve["strategy"], curve["by"]) for curve in curves] == [("random", "rows"), ("random", "tokens")]
    for curve, unit in zip(curves, (1, 96), strict=True):
        assert [point["amount"] for point in curve["points"]] == [
            unit * size for size in (125, 250, 500, 1000, 2000, 4000, 8000)
        ]
        assert [point["cells"] for point in curve["points"]] == [3] * 6 + [2]
        assert [curve["exponent_low"], curve["exponent_high"]] == pytest.approx([0.4, 0.4], abs=0.01)
        whole = 2.0 + 0.15 * 64**-0.4
        assert curve["whole_gain"] == pytest.approx(UNTUNED - whole, abs=2e-4)
        amounts = np.geomspace(125, 8000, 2000)
        enough = amounts[np.argmax(UNTUNED - 2.0 - 0.15 * (amounts / 125) ** -0.4 >= 0.95 * (UNTUNED - whole))]
        assert curve["enough_low"] <= unit * enough * 1.02 and unit * enough * 0.98 <= curve["enough_high"]
        assert curve["ahead"]["amount"] == 4 * 8000 * unit
        assert curve["ahead"]["low"] <= 2.0 + 0.15 * 256**-0.4 <= curve["ahead"]["high"]
        held_out = curve["held_out"]
        assert held_out is not None
        assert (held_out["amount"], held_out["cells"]) == (8000 * unit, 2)
        assert held_out["low"] <= held_out["observed"] <= held_out["high"]


def test_the_whole_pool_belongs_to_every_strategy() -> None:
    random = plant_sizes(np.random.default_rng(3))
    other = plant_sizes(np.random.default_rng(4), whole=False).with_columns(
        strategy=pl.lit("longest"), match=pl.lit("longest"), experiment=pl.format("{}-b", "experiment")
    )
    curves = fit_curves(pl.concat([random, other]), 1)
    assert [curve["strategy"] for curve in curves] == ["longest", "longest", "random", "random"]
    assert {curve["points"][-1]["amount"] for curve in curves if curve["by"] == "rows"} == {8000}
    assert all(curve["whole_is_pool"] for curve in curves)


def test_the_whole_pool_belongs_to_a_curve_whose_weights_it_does_not_read() -> None:
    random = plant_sizes(np.random.default_rng(3))
    is_whole = pl.col("size") == 8000
    curves = fit_curves(random.with_columns(weights=pl.when(is_whole).then(pl.lit("inverse")).otherwise("weights")), 1)
    assert [(curve["strategy"], curve["whole_is_pool"]) for curve in curves] == 2 * [("random", True)]
    narrow = random.with_columns(max_tokens=pl.when(is_whole).then(90_000).otherwise("max_tokens"))
    assert not any(curve["whole_is_pool"] for curve in fit_curves(narrow, 1))


def test_too_few_sizes_have_a_reason_and_no_bits_are_refused() -> None:
    few = plant_sizes(np.random.default_rng(1), sizes=(125, 250))
    reasons = write_sizes_answer(fit_curves(few, 1))
    assert reasons[0].startswith("Random, by rows: no curve, since a curve needs 4 sizes and 6 cells, got 3 and 8")
    with pytest.raises(ValueError, match="no curve to draw: a curve needs 4 sizes"):
        draw_sizes(fit_curves(few, 1))
    with pytest.raises(ValueError, match="a curve over sizes needs candidate_bits_per_byte: give `benchmark` prompts"):
        fit_curves(few.drop("candidate_bits_per_byte"), 1)


def test_cells_of_one_size_are_no_curve_though_each_has_other_tokens() -> None:
    one = plant_sizes(np.random.default_rng(1), sizes=(500,), seeds=9, whole=False)
    tokens = pl.Series([48_000 + 10 * place for place in range(9)], dtype=pl.Int64)
    curves = fit_curves(one.with_columns(trained_tokens=tokens), 1)
    assert all("got 1 and 9: run more sizes or seeds" in curve["reason"] for curve in curves)


def test_another_condition_has_a_curve_of_its_own() -> None:
    random = plant_sizes(np.random.default_rng(3))
    other = plant_sizes(np.random.default_rng(4), gain=0.3).with_columns(
        slack=pl.lit(3.0), experiment=pl.format("{}-b", "experiment")
    )
    curves = fit_curves(pl.concat([random, other]), 1)
    assert [curve["strategy"][:8] for curve in curves] == 4 * ["random ("]
    assert len({curve["strategy"] for curve in curves}) == 2
    assert {point["cells"] for curve in curves for point in curve["points"]} == {2, 3}


def test_a_curve_that_rises_is_not_said_to_fall() -> None:
    rising = plant_sizes(np.random.default_rng(3), gain=-0.1, floor=2.1)
    answer = write_sizes_answer(fit_curves(rising, 1))
    assert answer[0] == "Random, by rows: from 125 to 8,000, more do not help: the curve does not fall."
    assert not any("falls as" in sentence for sentence in answer)


def make_curve(**changes: object) -> CurveRow:
    """A curve of known numbers."""
    band = {"amount": 32_000.0, "bits": 2.012, "low": 2.001, "high": 2.023}
    curve = {
        "strategy": "random",
        "by": "rows",
        "points": [{"amount": 500.0, "cells": 3, "bits": 2.1}, {"amount": 8000.0, "cells": 2, "bits": 2.03}],
        "falls": True,
        "exponent": 0.42,
        "exponent_low": 0.3,
        "exponent_high": 0.55,
        "untuned": 2.2,
        "whole": 8000.0,
        "whole_is_pool": True,
        "whole_gain": 0.171,
        "enough": 3120.0,
        "enough_low": 2500.0,
        "enough_high": 4400.0,
        "band": [band],
        "ahead": band,
        "held_out": band | {"cells": 2, "observed": 2.05},
    }
    return curve | changes  # type: ignore[return-value]


def test_the_answer_names_the_rows_that_are_enough_first() -> None:
    assert write_sizes_answer([make_curve()]) == [
        "Random: 3,100 rows reach 95 % of what the whole pool gains (0.171 bpb over the base model); "
        "90 % interval 2,500 to 4,400.",
        "The curve falls as rows to the power −0.42 (90 % interval −0.55 to −0.30).",
        "At 32,000 rows it predicts 2.012 bits per byte (2.001 to 2.023), if they do not rise again.",
        "Held out: from sizes up to a quarter, the largest was predicted at 2.001 to 2.023. It is 2.050, outside that "
        "90 % interval.",
    ]
    assert write_sizes_answer([make_curve(whole_is_pool=False, held_out=None)])[::3] == [
        "Random: 3,100 rows reach 95 % of what the largest subset (8,000 rows) gains (0.171 bpb over the base model); "
        "90 % interval 2,500 to 4,400.",
        "No size was held out: too few sizes are at most a quarter of the largest.",
    ]
    logarithmic = make_curve(exponent=-0.01, exponent_low=-0.2)
    assert write_sizes_answer([logarithmic])[1] == (
        "The curve falls as rows to the power 0.01 (90 % interval −0.55 to 0.20); 0 is a fall by the logarithm."
    )
    by_tokens = make_curve(by="tokens", enough=500.4)
    assert write_sizes_answer([by_tokens])[0].startswith("Random: 500 trained tokens (all epochs) reach 95 % of")
    smallest = make_curve(points=[{"amount": 125.0, "cells": 3, "bits": 2.1}], enough=125.0)
    assert write_sizes_answer([smallest])[0].startswith("Random: 125 rows reach 95 %")
    assert write_sizes_answer([make_curve(whole_gain=-0.01)]) == [
        "Random, by rows: the whole pool gains nothing over the base model."
    ]


def test_the_figure_has_the_points_the_band_the_base_model_and_the_rows_that_are_enough() -> None:
    [panel] = draw_sizes([make_curve()]).to_dict()["concat"]
    area, untuned, enough, line, points = panel["layer"]
    assert panel["title"] == "Random, by rows"
    assert area["data"]["values"] == line["data"]["values"] == [make_curve()["ahead"]]
    assert (area["encoding"]["y"]["field"], area["encoding"]["y2"]["field"]) == ("low", "high")
    assert (line["encoding"]["y"]["field"], points["encoding"]["y"]["field"]) == ("bits", "bits")
    assert (untuned["data"]["values"], enough["data"]["values"]) == ([{"untuned": 2.2}], [{"amount": 3120.0}])
    assert [point["bits"] for point in points["data"]["values"]] == [2.1, 2.03]
    assert area["encoding"]["x"]["scale"]["type"] == "log"
