"""The record of a bake-off → its figure: gain over random, response length and trained tokens, a row a selector."""

from collections.abc import Sequence
from typing import Any

from m2m.study.bake_off.comparison import EQUAL, BakeOff, RandomRow, SelectorRow
from m2m.study.cells.labels import format_difference, format_interval, format_p, label_configuration, name_configuration
from m2m.study.cells.outcomes import get_unit
from m2m.study.figures.style import GREY, Mark, apply_style, encode_looks, find_look, make_chart, pad_range

ROW_HEIGHT, GAIN_WIDTH, SIDE_WIDTH = 17, 380, 120  # pixels
LABEL_WIDTH = 180  # pixels: room for fonts wider than the one that Altair measures by


def draw_bake_off(record: BakeOff) -> Any:
    """A row of three panels a budget, the largest gain on top; both budgets have one scale of gains.

    Thick: the 95 % CI of this selector. Thin: the 95 % CI that holds for all selectors together. Shaded: where 95 % of
    further random cells lie.
    """
    import altair as alt

    budgets = [row for row in record["random"] if any(s["budget"] == row["budget"] for s in record["selectors"])]
    ends = [end for row in record["selectors"] for end in (row["all_low"], row["all_high"])]
    ends += [sign * row["half_width"] for row in budgets for sign in (-1, 1)]
    unit = get_unit(record["outcome"])
    rows = [_draw_budget(record, random, pad_range(ends), unit) for random in budgets]
    return apply_style(alt.vconcat(*rows, spacing=24).resolve_scale(color="independent", shape="independent"))


def list_marks(record: BakeOff, budget: str) -> list[Mark]:
    """What a budget's panels draw: a mark a selector, with its text, the largest gain first."""
    rows = [row for row in record["selectors"] if row["budget"] == budget]
    return [_make_mark(row) for row in sorted(rows, key=lambda row: -row["value"])]


def _make_mark(row: SelectorRow) -> Mark:
    text = (
        f"{name_configuration(row)} − random at equal {row['budget']}: {format_difference(row['value'])}, 95 % CI "
        f"{format_interval(row)}; for all together {format_interval(row, 'all_low', 'all_high')}, adjusted p "
        f"{format_p(row['p_all'])}; {row['mean_response_tokens']:.0f} response tokens per row"
    )
    return {**row, "selector": label_configuration(row), "look": find_look(row["strategy"]), "text": text}


def _draw_budget(record: BakeOff, random: RandomRow, domain: list[float], unit: str) -> Any:
    import altair as alt

    marks = list_marks(record, random["budget"])
    gain = _draw_gain(marks, random, domain, unit)
    length = _draw_side(marks, "mean_response_tokens", random["mean_response_tokens"], "response tokens per row")
    trained = _draw_side(marks, "trained_tokens", random["trained_tokens"], "trained tokens")
    title = f"At {EQUAL[random['budget']]}: {random['size']:,} {random['budget']}, {random['cells']} random cells"
    return alt.hconcat(gain, length, trained, spacing=12).properties(title=title)


def _draw_gain(marks: list[Mark], random: RandomRow, domain: list[float], unit: str) -> Any:
    import altair as alt

    title = f"gain over random, {unit}"
    scale, axis = alt.Scale(domain=domain, nice=False), alt.Axis(tickCount=6, format=".3f", title=title)
    y = _encode_selector(marks, labelled=True)
    colour, shape = encode_looks(mark["look"] for mark in marks)
    chart = make_chart(marks)
    noise = make_chart([{"low": -random["half_width"], "high": random["half_width"], "zero": 0}])
    layers = [
        noise.mark_rect(color=GREY, opacity=0.18).encode(x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"),
        noise.mark_rule(color=GREY, strokeDash=[4, 3]).encode(x=alt.X("zero:Q", scale=scale)),
        chart.mark_rule(strokeWidth=1, opacity=0.6).encode(
            x=alt.X("all_low:Q", scale=scale), x2="all_high:Q", y=y, color=colour
        ),
        chart.mark_rule(strokeWidth=2.6).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, color=colour),
        chart.mark_point(size=50, filled=True, opacity=1).encode(
            x=alt.X("value:Q", scale=scale), y=y, color=colour, shape=shape, description=alt.Description("text:N")
        ),
    ]
    return alt.layer(*layers).properties(width=GAIN_WIDTH, height=ROW_HEIGHT * len(marks))


def _draw_side(marks: list[Mark], field: str, baseline: float, title: str) -> Any:
    """A bar a selector, and random as a dashed line."""
    import altair as alt

    axis = alt.Axis(tickCount=3, format="~s", title=title)
    bars = make_chart(marks).mark_bar(color=GREY, opacity=0.55, height=8)
    line = make_chart([{"random": baseline}]).mark_rule(color=GREY, strokeDash=[4, 3])
    layers = [bars.encode(x=alt.X(f"{field}:Q", axis=axis), y=_encode_selector(marks, labelled=False))]
    return alt.layer(*layers, line.encode(x="random:Q")).properties(width=SIDE_WIDTH, height=ROW_HEIGHT * len(marks))


def _encode_selector(marks: Sequence[Mark], labelled: bool) -> Any:
    import altair as alt

    names = [mark["selector"] for mark in marks]
    axis = alt.Axis(minExtent=LABEL_WIDTH if labelled else 0, ticks=False, labels=labelled)
    return alt.Y("selector:N", sort=names, title=None, axis=axis)
