"""The style of all figures: colours, shapes, axes and words that every chart shares."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

INK, GRID, GREY = "#222222", "#dddddd", "#767676"  # report.css replaces them in dark mode
LOOKS = {  # label in the legend → colour (Okabe and Ito 2008) and shape
    "macro (clusters)": ("#0072B2", "circle"),
    "meso (tags)": ("#E69F00", "square"),
    "micro (tokens)": ("#009E73", "triangle-up"),
    "length-matched random": ("#D55E00", "diamond"),
    "other baseline": ("#CC79A7", "cross"),
}
SCALE_LOOKS = {
    "macro": "macro (clusters)",
    "meso": "meso (tags)",
    "micro": "micro (tokens)",
    "length-matched": "length-matched random",
}
SIDE_NAMES = {"instruction": "instructions", "response": "responses"}
PANEL_WIDTH, PANEL_HEIGHT = 300, 200  # pixels
DIVERSITY = "degree of diversity"
FONT = "Arial, Helvetica, Liberation Sans, sans-serif"  # of equal widths: what Vega measures is what a browser draws
MAIN_SCALE = 1.08  # the main figure is about 900 pixels wide in a README
Mark = dict[str, Any]  # what a chart draws: its place, its look, and its text


class Figure(NamedTuple):
    """A figure: its file name, a heading, what it shows in words, and its panels, each an Altair chart."""

    name: str
    title: str
    caption: str
    panels: list[Any]


def apply_style(chart: Any) -> Any:
    """The chart in the style of all figures."""
    text = {"labelColor": INK, "titleColor": INK, "labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal"}
    return (
        chart.configure(background="#ffffff", font=FONT, padding=8)
        .configure_axis(gridColor=GRID, domainColor=INK, tickColor=INK, titlePadding=8, **text)
        .configure_legend(**text, symbolSize=70, symbolOpacity=1, labelLimit=0, columnPadding=16)
        .configure_title(
            color=INK, subtitleColor=INK, fontSize=13, fontWeight="bold", subtitleFontSize=11, anchor="start"
        )
        .configure_text(color=INK, fontSize=11)
        .configure_view(stroke=GRID)
    )


def join_panels(figure: Figure) -> Any:
    """All panels of a figure as one chart, two in a row."""
    import altair as alt

    panels = alt.concat(*figure.panels, columns=2, spacing=24)
    return apply_style(panels.resolve_scale(color="independent", shape="independent"))


def make_chart(rows: Iterable[Mapping[str, Any]]) -> Any:
    """A chart of these rows that has no mark yet."""
    import altair as alt

    return alt.Chart(alt.Data(values=list(rows)))


def encode_looks(names: Iterable[str]) -> tuple[Any, Any]:
    """The colour and the shape of the looks among `names`, with one legend on top for both."""
    import altair as alt

    present = set(names)
    domain = [name for name in LOOKS if name in present]
    legend = alt.Legend(orient="top", title=None, offset=4, columns=2)
    colours = alt.Scale(domain=domain, range=[LOOKS[name][0] for name in domain])
    shapes = alt.Scale(domain=domain, range=[LOOKS[name][1] for name in domain])
    return alt.Color("look:N", scale=colours, legend=legend), alt.Shape("look:N", scale=shapes, legend=legend)


def find_look(strategy: str) -> str:
    """The look of a strategy: that of its scale, of length-matched random, or of the other baselines."""
    scale = strategy if strategy in SCALE_LOOKS else strategy.rpartition("-")[2]
    return SCALE_LOOKS.get(scale, "other baseline")


def pad_range(values: Sequence[float]) -> list[float]:
    """The smallest and the largest of `values` with a twentieth of their distance around them."""
    low, high = min(values), max(values)
    margin = (high - low) / 20 or abs(high) / 20 or 1.0
    return [low - margin, high + margin]


def list_log_ticks() -> list[float]:
    """1, 2, 5, 10 … 50 million: the labels of a logarithmic axis."""
    return [factor * 10**power for power in range(8) for factor in (1, 2, 5)]


def make_degree_axis() -> Any:
    """Degrees 0 to 6 along the bottom."""
    import altair as alt

    scale, axis = alt.Scale(domain=[-0.35, 6.35], nice=False), alt.Axis(values=list(range(7)), format="d")
    return alt.X("degree:Q", title=DIVERSITY, scale=scale, axis=axis)
