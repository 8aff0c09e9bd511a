"""Bins the token-band table by frequency, and plots the three bands."""

from typing import Any

import polars as pl

BAND_COLOURS = {"low": "#9ecae1", "mid": "#e6550d", "high": "#756bb1"}  # distinct for colour-blind readers too
EXAMPLES = 9


def build_histogram(bands: pl.DataFrame) -> pl.DataFrame:
    """Types and occurrences in bins of doubling width, each within one band; `bands` as in schema Bands."""
    binned = bands.with_columns(bin=pl.col("count").log(2).floor())
    grouped = binned.group_by("band", "bin").agg(
        pl.col("count").min(), types=pl.len().cast(pl.Int64), occurrences=pl.col("count").sum().alias("occurrences")
    )
    return grouped.sort("count").select("band", "count", "types", "occurrences")


def pick_examples(bands: pl.DataFrame) -> dict[str, list[str]]:
    """Up to nine readable token texts a band, spread evenly over its types from frequent to rare."""
    readable = bands.filter(pl.col("text").str.strip_chars().str.contains(r"^[\p{L}\p{N}_]{2,12}$"))
    examples = {}
    for name in BAND_COLOURS:
        texts = readable.filter(pl.col("band") == name).sort("count", "token", descending=[True, False])["text"]
        texts = texts.str.strip_chars().unique(maintain_order=True)
        examples[name] = texts.gather_every(max(1, len(texts) // EXAMPLES)).head(EXAMPLES).to_list()
    return examples


def plot_bands(bands: pl.DataFrame, title: str) -> Any:
    """An Altair chart: token types against their frequency on log axes, bands shaded, examples of each above."""
    import altair as alt

    bars = build_histogram(bands).with_columns(end=pl.col("count").shift(-1).fill_null(2 * pl.col("count")))
    top = int(bars["types"].max() or 1)  # type: ignore[arg-type]
    spans = bars.group_by("band", maintain_order=True).agg(
        pl.col("count").min(), pl.col("end").max(), pl.col("types", "occurrences").sum()
    )
    examples = pick_examples(bands)
    labels = spans.with_columns(
        middle=(pl.col("count") * pl.col("end")).sqrt(),
        note=pl.struct("band", "types", "occurrences").map_elements(
            lambda row: "\n".join(
                [f"{row['band']} band", f"{row['types']:,} types", f"{row['occurrences']:,} tokens", ""]
                + examples[row["band"]]
            ),
            return_dtype=pl.String,
        ),
    )
    tens = alt.Axis(values=[10**power for power in range(9)], format="~s", gridOpacity=0.4)
    frequency = alt.X("count:Q", scale=alt.Scale(type="log", nice=False), axis=tens, title="occurrences in the pool")
    types = alt.Y("types:Q", scale=alt.Scale(type="log", domain=[1, top * 100]), axis=tens, title="token types")
    colour = alt.Color(
        "band:N", scale=alt.Scale(domain=list(BAND_COLOURS), range=list(BAND_COLOURS.values())), legend=None
    )
    shade = alt.Chart(spans).mark_rect(opacity=0.12).encode(x=frequency, x2="end:Q", color=colour)
    bar = alt.Chart(bars.with_columns(floor=pl.lit(1))).mark_rect(stroke="white").encode(
        x=frequency, x2="end:Q", y=types, y2="floor:Q", color=colour
    )  # fmt: skip
    text = (
        alt.Chart(labels)
        .mark_text(lineBreak="\n", baseline="top", fontSize=11)
        .encode(x=alt.X("middle:Q"), y=alt.value(6), text="note:N")
    )
    return alt.layer(shade, bar, text).properties(width=720, height=420, title=title)
