"""Histogram of token types → the picture of the frequency bands of one side of the pool."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from m2m.study.figures.style import PANEL_HEIGHT, PANEL_WIDTH, make_chart

BAND_COLOURS = {"low": "#56B4E9", "mid": "#D55E00", "high": "#CC79A7"}  # Okabe and Ito 2008


def draw_bands(histogram: pl.DataFrame, title: str, examples: Mapping[str, Sequence[str]]) -> Any:
    """Token types against their frequency on log axes, with `examples` of each band's types under the title.

    `histogram` as in schema Histogram. A bar begins at its bin's smallest count and ends where the next begins.
    """
    import altair as alt

    bins = histogram.sort("count").with_columns(
        end=pl.col("count").shift(-1).fill_null(2 * pl.col("count")),
        floor=pl.lit(0.5),
        text=pl.format(
            "{} band, {} occurrences and more: {} types, {} tokens", "band", "count", "types", "occurrences"
        ),
    )
    powers = alt.Axis(values=[10**power for power in range(9)], format="~s")
    x = alt.X("count:Q", scale=alt.Scale(type="log", nice=False), axis=powers, title="occurrences in the pool")
    y = alt.Y("types:Q", scale=alt.Scale(type="log", domainMin=0.5, nice=False), axis=powers, title="token types")
    names = [name for name in BAND_COLOURS if name in set(bins["band"])]
    scale = alt.Scale(domain=names, range=[BAND_COLOURS[name] for name in names])
    legend = alt.Legend(orient="top", title=None, offset=4, labelExpr="datum.label + ' band'")
    bars = make_chart(bins.rows(named=True)).mark_rect(stroke="#ffffff", strokeWidth=0.5)
    lines = [f"{name}: {' · '.join(examples[name])}" for name in names if examples.get(name)]
    heading = alt.TitleParams(title, subtitle=lines) if lines else title
    return bars.encode(
        x=x, x2="end:Q", y=y, y2="floor:Q", color=alt.Color("band:N", scale=scale, legend=legend), description="text:N"
    ).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT, title=heading)
