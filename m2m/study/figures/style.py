"""The one style of all figures: colours, shapes, axes and words that every chart shares."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from m2m.study.cells.rows import StudyRow

INK, GRID, RANDOM = "#222222", "#dddddd", "#888888"  # report.html turns the first two round in the dark
LOOKS = {  # colours of Okabe and Ito 2008
    "macro": ("#0072B2", "circle"),
    "meso": ("#E69F00", "square"),
    "micro": ("#009E73", "triangle-up"),
    "length-matched random": ("#D55E00", "diamond"),
    "other": ("#CC79A7", "cross"),
}
SIDES = {"instruction": "instructions", "response": "responses"}
WIDTH, HEIGHT = 300, 220
DIVERSITY = "diversity: degree 0 … 6"


class Figure(NamedTuple):
    """A figure: its file name, a heading, what it shows in words, and its panels, each an Altair chart."""

    name: str
    title: str
    caption: str
    panels: list[Any]


def styled(chart: Any) -> Any:
    """The chart in the style of all figures."""
    text = {"labelColor": INK, "titleColor": INK, "labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal"}
    return (
        chart.configure(background="#ffffff", font="sans-serif", padding=8)
        .configure_axis(gridColor=GRID, domainColor=INK, tickColor=INK, **text)
        .configure_legend(**text, symbolSize=70, symbolOpacity=1)
        .configure_title(color=INK, fontSize=13, fontWeight="bold", anchor="start")
        .configure_text(color=INK, fontSize=11)
        .configure_view(stroke=GRID)
    )


def composed(figure: Figure) -> Any:
    """All panels of a figure as one chart, two in a row."""
    import altair as alt

    panels = alt.concat(*figure.panels, columns=2, spacing=24)
    return styled(panels.resolve_scale(color="independent", shape="independent"))


def of_rows(rows: Iterable[StudyRow]) -> Any:
    """A chart without a mark of these rows."""
    import altair as alt

    return alt.Chart(alt.Data(values=list(rows)))


def by_scale(names: Iterable[str]) -> tuple[Any, Any]:
    """The colour and the shape of the scales among `names`; one legend, on top, tells both."""
    import altair as alt

    given = set(names)
    shown = [name for name in LOOKS if name in given]
    legend = alt.Legend(orient="top", title=None, offset=4)
    colours = alt.Scale(domain=shown, range=[LOOKS[name][0] for name in shown])
    shapes = alt.Scale(domain=shown, range=[LOOKS[name][1] for name in shown])
    return (
        alt.Color("scale:N", scale=colours, legend=legend),
        alt.Shape("scale:N", scale=shapes, legend=legend),
    )


def scale_of(strategy: str) -> str:
    """What a strategy looks like: the scale that it is named after, random matched in length, or other."""
    scale = "length-matched random" if strategy == "stratified-length" else strategy.rpartition("-")[2]
    return scale if scale in LOOKS else "other"


def room(values: Sequence[float]) -> list[float]:
    """The smallest and the largest of `values` with a twentieth of their distance around them."""
    low, high = min(values), max(values)
    margin = (high - low) / 20 or abs(high) / 20 or 1.0
    return [low - margin, high + margin]


def log_ticks() -> list[float]:
    """1, 2, 5, 10 … 50 million: the labels of a logarithmic axis."""
    return [factor * 10**power for power in range(8) for factor in (1, 2, 5)]


def degree_axis() -> Any:
    """Degrees 0 to 6 along the bottom."""
    import altair as alt

    scale, axis = alt.Scale(domain=[-0.35, 6.35], nice=False), alt.Axis(values=list(range(7)), format="d")
    return alt.X("degree:Q", title=DIVERSITY, scale=scale, axis=axis)
