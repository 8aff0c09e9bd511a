"""Study → how each diversity metric goes with performance, plain and given length, a panel a setting and side."""

from typing import Any

from m2m.study.cells.cells import SETTING
from m2m.study.cells.labels import label_setting, select_rows
from m2m.study.cells.outcomes import MAIN
from m2m.study.cells.rows import StudyRow
from m2m.study.figures.style import INK, RANDOM, SIDES, WIDTH, of_rows

LINE = 24  # pixels a metric
KINDS = {"pearson": "plain (Pearson)", "partial": "given response length", "paper": "the paper's"}
COLOURS = {"pearson": "#0072B2", "partial": "#D55E00", "paper": INK}  # Okabe and Ito 2008
SHAPES = {"pearson": "circle", "partial": "square", "paper": "cross"}
APART = {"pearson": -4, "partial": 4, "paper": 0}  # pixels


def metric_panels(study: dict[str, Any], outcome: str) -> list[Any]:
    """A panel a side and setting with two strategies or more; metrics from the highest plain correlation down."""
    panels = []
    for setting in [one for one in study["settings"] if len(set(one["strategies"]) - {"random"}) > 1]:
        rows = select_rows(study["metrics"], {name: setting[name] for name in SETTING} | {"outcome": outcome})
        for side, called in SIDES.items():
            mine = [row for row in rows if row["metric"].startswith(side) and "pearson_r" in row]
            mine = sorted(mine, key=lambda row: -row["pearson_r"])
            if mine:
                title = f"{called} · {label_setting(setting, study['settings'])}"
                panels.append(_panel(title, mine, f"correlation with {MAIN[outcome].name}"))
    return panels


def named(metric: str) -> str:
    """A metric without its side, in words: 'token entropy'."""
    return metric.partition("_")[2].replace("_", " ")


def _points(row: StudyRow) -> list[StudyRow]:
    found = [
        {
            "kind": KINDS[kind],
            "r": row[f"{kind}_r"],
            "low": row[f"{kind}_low"],
            "high": row[f"{kind}_high"],
            "shift": APART[kind],
        }
        for kind in ("pearson", "partial")
        if f"{kind}_r" in row
    ]
    for point in found:
        point["told"] = (
            f"{named(row['metric'])}, {point['kind']}: {point['r']:+.2f}, 95 % {point['low']:+.2f} to "
            f"{point['high']:+.2f}, {row['points']} points"
        )
    if row["paper"] is not None:
        told = f"{named(row['metric'])}, the paper's: {row['paper']:+.2f}"
        found.append({"kind": KINDS["paper"], "r": row["paper"], "shift": 0, "told": told})
    return [{"metric": named(row["metric"])} | point for point in found]


def _panel(title: str, rows: list[StudyRow], called: str) -> Any:
    import altair as alt

    points = [point for row in rows for point in _points(row)]
    shown = [kind for kind in KINDS if any(point["kind"] == KINDS[kind] for point in points)]
    legend = alt.Legend(orient="top", title=None, offset=4)
    domain = [KINDS[kind] for kind in shown]
    colour = alt.Color("kind:N", scale=alt.Scale(domain=domain, range=[COLOURS[kind] for kind in shown]), legend=legend)
    shape = alt.Shape("kind:N", scale=alt.Scale(domain=domain, range=[SHAPES[kind] for kind in shown]), legend=legend)
    y = alt.Y(
        "metric:N", sort=[named(row["metric"]) for row in rows], title=None, axis=alt.Axis(ticks=False, labelLimit=160)
    )
    offset = alt.YOffset("shift:Q", scale=alt.Scale(domain=[-LINE / 2, LINE / 2], range=[0, LINE]))
    scale, axis = alt.Scale(domain=[-1, 1]), alt.Axis(values=[-1, -0.5, 0, 0.5, 1], format=".1f")
    chart = of_rows(points)
    layers = [
        of_rows([{"zero": 0}]).mark_rule(color=RANDOM, strokeDash=[4, 3]).encode(x=alt.X("zero:Q", scale=scale)),
        chart.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=1.6)
        .encode(x=alt.X("low:Q", scale=scale, axis=axis, title=called), x2="high:Q", y=y, yOffset=offset, color=colour),
        chart.mark_point(size=50, filled=True, opacity=1).encode(
            x=alt.X("r:Q", scale=scale), y=y, yOffset=offset, color=colour, shape=shape, description="told:N"
        ),
    ]
    return alt.layer(*layers).properties(width=WIDTH, height=LINE * len(rows), title=title)
