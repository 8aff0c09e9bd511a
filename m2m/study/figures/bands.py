"""Histogram of token types → the frequency bands of one side of the pool, as a small panel."""

from typing import Any

import polars as pl

from m2m.study.figures.style import HEIGHT, WIDTH, of_rows

COLOURS = {"low": "#56B4E9", "mid": "#D55E00", "high": "#CC79A7"}  # Okabe and Ito 2008


def band_panel(histogram: pl.DataFrame, title: str) -> Any:
    """Token types against their frequency on log axes; `histogram` as in schema Histogram."""
    import altair as alt

    ends = histogram.sort("count").with_columns(
        end=pl.col("count").shift(-1).fill_null(2 * pl.col("count")),
        floor=pl.lit(0.5),
        told=pl.format(
            "{} band, {} occurrences and more: {} types, {} tokens", "band", "count", "types", "occurrences"
        ),
    )
    tens = alt.Axis(values=[10**power for power in range(9)], format="~s")
    x = alt.X("count:Q", scale=alt.Scale(type="log", nice=False), axis=tens, title="occurrences in the pool")
    y = alt.Y("types:Q", scale=alt.Scale(type="log", domainMin=0.5, nice=False), axis=tens, title="token types")
    shown = [name for name in COLOURS if name in set(ends["band"])]
    scale = alt.Scale(domain=shown, range=[COLOURS[name] for name in shown])
    colour = alt.Color("band:N", scale=scale, legend=alt.Legend(orient="top", title=None, offset=4))
    bars = of_rows(ends.rows(named=True)).mark_rect(stroke="#ffffff", strokeWidth=0.5)
    drawn = bars.encode(x=x, x2="end:Q", y=y, y2="floor:Q", color=colour, description="told:N")
    return drawn.properties(width=WIDTH, height=HEIGHT, title=title)
