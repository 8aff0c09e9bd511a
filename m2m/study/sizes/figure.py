"""The curves over sizes → a panel a curve: the means of cells, the power law, its 90 % band, and the base model."""

from collections.abc import Sequence
from typing import Any

from m2m.study.cells.labels import start_sentence
from m2m.study.figures.style import GREY, PANEL_HEIGHT, PANEL_WIDTH, Figure, join_panels, make_chart, pad_range
from m2m.study.sizes.curves import UNITS, CurveRow

TITLE = "Bits per byte against size"
CAPTION = (
    "A point is the mean of the cells of one size. The line is a power law with its 90 % band, drawn to four times the "
    "largest size. Dashed: the base model. Vertical: what reaches 95 % of the gain of the largest size."
)


def draw_sizes(curves: Sequence[CurveRow]) -> Any:
    """All curves that could be fit. ValueError without any."""
    panels = [_draw_curve(curve) for curve in curves if "reason" not in curve]
    if not panels:
        raise ValueError(f"no curve to draw: {curves[0].get('reason', 'there are no cells')}")
    return join_panels(Figure("sizes", TITLE, CAPTION, panels))


def _draw_curve(curve: CurveRow) -> Any:
    import altair as alt

    scale = alt.Scale(type="log", nice=False)
    ends = [point["bits"] for point in [*curve["points"], *curve["band"]]]
    y_scale = alt.Scale(domain=pad_range([*ends, curve["untuned"]]), nice=False)
    x = alt.X("amount:Q", scale=scale, title=UNITS[curve["by"]], axis=alt.Axis(format="~s", tickCount=6))
    band, points = make_chart(curve["band"]), make_chart(curve["points"])
    layers = [
        band.mark_area(opacity=0.2, clip=True).encode(
            x=x, y=alt.Y("low:Q", scale=y_scale, title="bits per byte"), y2="high:Q"
        ),
        make_chart([{"untuned": curve["untuned"]}]).mark_rule(color=GREY, strokeDash=[4, 3]).encode(y="untuned:Q"),
        make_chart([{"amount": curve["enough"]}]).mark_rule(color=GREY).encode(x="amount:Q"),
        band.mark_line().encode(x="amount:Q", y="bits:Q"),
        points.mark_point(size=50, filled=True, opacity=1).encode(x="amount:Q", y="bits:Q"),
    ]
    title = start_sentence(f"{curve['strategy']}, by {UNITS[curve['by']]}")
    return alt.layer(*layers).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT, title=title)
