"""The small picture of the bands: one bar a bin, as wide as the bin."""

import polars as pl

from m2m.study.figures.bands import BAND_COLOURS, draw_bands

HISTOGRAM = pl.DataFrame(
    {"band": ["high", "low", "mid"], "count": [501, 1, 10], "types": [9, 900, 90], "occurrences": [20000, 2000, 9000]}
)


def test_a_bar_ends_where_the_next_bin_begins() -> None:
    drawn = draw_bands(HISTOGRAM, "responses").to_dict()
    rows = drawn["data"]["values"]
    assert [(row["count"], row["end"], row["band"]) for row in rows] == [
        (1, 10, "low"),
        (10, 501, "mid"),
        (501, 1002, "high"),
    ]
    assert rows[1]["told"] == "mid band, 10 occurrences and more: 90 types, 9000 tokens"
    assert drawn["encoding"]["color"]["scale"] == {"domain": list(BAND_COLOURS), "range": list(BAND_COLOURS.values())}


def test_a_band_without_types_is_not_in_the_legend() -> None:
    drawn = draw_bands(HISTOGRAM.filter(pl.col("band") != "high"), "responses").to_dict()
    assert drawn["encoding"]["color"]["scale"]["domain"] == ["low", "mid"]
