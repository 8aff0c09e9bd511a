"""The picture of the bands: one bar a bin, as wide as the bin, and examples that cannot overlap."""

import polars as pl

from m2m.study.figures.bands import BAND_COLOURS, draw_bands

HISTOGRAM = pl.DataFrame(
    {"band": ["high", "low", "mid"], "count": [501, 1, 10], "types": [9, 900, 90], "occurrences": [20000, 2000, 9000]}
)


def test_a_bar_reaches_from_its_bin_to_the_next_and_up_to_its_types() -> None:
    spec = draw_bands(HISTOGRAM, "responses", {}).to_dict()
    rows = spec["data"]["values"]
    assert [(row["count"], row["end"], row["types"], row["floor"], row["band"]) for row in rows] == [
        (1, 10, 900, 0.5, "low"),
        (10, 501, 90, 0.5, "mid"),
        (501, 1002, 9, 0.5, "high"),
    ]
    assert rows[1]["text"] == "mid band, 10 occurrences and more: 90 types, 9000 tokens"
    fields = {name: channel["field"] for name, channel in spec["encoding"].items()}
    assert fields == {"x": "count", "x2": "end", "y": "types", "y2": "floor", "color": "band", "description": "text"}
    assert spec["mark"]["type"] == "rect" and spec["title"] == "responses"


def test_both_axes_are_logarithmic_and_say_what_they_count() -> None:
    spec = draw_bands(HISTOGRAM, "responses", {}).to_dict()
    assert [(spec["encoding"][name]["scale"]["type"], spec["encoding"][name]["title"]) for name in "xy"] == [
        ("log", "occurrences in the pool"), ("log", "token types"),
    ]  # fmt: skip


def test_each_band_has_its_colour_and_a_band_without_types_is_not_in_the_legend() -> None:
    scale = draw_bands(HISTOGRAM, "responses", {}).to_dict()["encoding"]["color"]["scale"]
    assert scale == {"domain": list(BAND_COLOURS), "range": list(BAND_COLOURS.values())}
    spec = draw_bands(HISTOGRAM.filter(pl.col("band") != "high"), "responses", {}).to_dict()
    assert spec["encoding"]["color"]["scale"]["domain"] == ["low", "mid"]


def test_examples_stand_under_the_title_a_line_a_band() -> None:
    spec = draw_bands(HISTOGRAM, "responses", {"high": ["the", "of"], "mid": [], "low": ["qua"]}).to_dict()
    assert spec["title"] == {"text": "responses", "subtitle": ["low: qua", "high: the · of"]}
