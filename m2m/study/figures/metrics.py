"""Study → how each diversity metric correlates with an outcome, plain and given length, a panel a setting and side."""

from collections.abc import Mapping, Sequence
from typing import Any

from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.study.cells.labels import label_setting, select_rows
from m2m.study.cells.outcomes import MAIN
from m2m.study.figures.style import GREY, INK, PANEL_WIDTH, SIDE_NAMES, Mark, make_chart

METRIC_HEIGHT = 24  # pixels
METRIC_NAMES = {
    "g_vendi": "G-Vendi score",
    "mean_tokens": "mean length",
    "mid_types": "mid-band token types",
    "novel_sum": "NovelSum",
    "self_bleu": "self-BLEU",
    "vendi": "Vendi score",
}
CORRELATION_NAMES = {"pearson": "Pearson", "partial": "given response length", "paper": "the paper's"}
CORRELATION_COLOURS = {"pearson": "#0072B2", "partial": "#D55E00", "paper": INK}  # Okabe and Ito 2008
CORRELATION_SHAPES = {"pearson": "circle", "partial": "square", "paper": "cross"}
CORRELATION_SHIFTS = {"pearson": -4, "partial": 4, "paper": 0}  # pixels


def draw_metric_panels(study: Study, outcome: str) -> list[Any]:
    """A panel a side and setting with two strategies or more; metrics from the highest Pearson correlation down."""
    panels = []
    for setting in [setting for setting in study["settings"] if len(set(setting["strategies"]) - {"random"}) > 1]:
        rows = select_rows(
            study["metrics"], Place(outcome=outcome, condition=setting["condition"], size=setting["size"])
        )
        for side, side_name in SIDE_NAMES.items():
            metrics = [row for row in rows if row["metric"].startswith(side) and "pearson_r" in row]
            metrics = sorted(metrics, key=lambda row: -row["pearson_r"])
            if metrics:
                title = f"{side_name} · {label_setting(setting, study['settings'])}"
                panels.append(_draw_panel(title, metrics, f"correlation with {MAIN[outcome].name}"))
    return panels


def name_metric(metric: str) -> str:
    """A metric without its side, in words: 'token entropy'."""
    name = metric.partition("_")[2]
    return METRIC_NAMES.get(name, name.replace("_", " "))


def _list_points(row: Mapping[str, Any]) -> list[Mark]:
    name = name_metric(row["metric"])
    points = [_make_point(row, kind) for kind in ("pearson", "partial") if f"{kind}_r" in row]
    if row["paper"] is not None:
        text = f"{name}, the paper's: {row['paper']:+.2f}"
        points.append({"kind": CORRELATION_NAMES["paper"], "r": row["paper"], "shift": 0, "text": text})
    return [{"metric": name} | point for point in points]


def _make_point(row: Mapping[str, Any], kind: str) -> Mark:
    r, low, high = (row[f"{kind}_{end}"] for end in ("r", "low", "high"))
    text = (
        f"{name_metric(row['metric'])}, {CORRELATION_NAMES[kind]}: {r:+.2f}, 95 % CI {low:+.2f} to {high:+.2f}, "
        f"{row['points']} points"
    )
    shift = CORRELATION_SHIFTS[kind]
    return {"kind": CORRELATION_NAMES[kind], "r": r, "low": low, "high": high, "shift": shift, "text": text}


def _draw_panel(title: str, rows: Sequence[Mapping[str, Any]], axis_title: str) -> Any:
    import altair as alt

    points = [point for row in rows for point in _list_points(row)]
    kinds = [kind for kind, name in CORRELATION_NAMES.items() if any(point["kind"] == name for point in points)]
    legend = alt.Legend(orient="top", title=None, offset=4)
    domain = [CORRELATION_NAMES[kind] for kind in kinds]
    colours = alt.Scale(domain=domain, range=[CORRELATION_COLOURS[kind] for kind in kinds])
    shapes = alt.Scale(domain=domain, range=[CORRELATION_SHAPES[kind] for kind in kinds])
    colour, shape = alt.Color("kind:N", scale=colours, legend=legend), alt.Shape("kind:N", scale=shapes, legend=legend)
    names = [name_metric(row["metric"]) for row in rows]
    y = alt.Y("metric:N", sort=names, title=None, axis=alt.Axis(ticks=False, labelLimit=160))
    half = METRIC_HEIGHT / 2
    offset = alt.YOffset("shift:Q", scale=alt.Scale(domain=[-half, half], range=[0, METRIC_HEIGHT]))
    scale, axis = alt.Scale(domain=[-1, 1]), alt.Axis(values=[-1, -0.5, 0, 0.5, 1], format=".1f")
    marks: dict[str, Any] = {"y": y, "yOffset": offset, "color": colour}
    chart = make_chart(points)
    layers = [
        make_chart([{"zero": 0}])
        .mark_rule(color=GREY, strokeDash=[4, 3])
        .encode(x=alt.X("zero:Q", scale=scale, axis=axis, title=axis_title)),
        chart.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=1.6)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q", **marks),
        chart.mark_point(size=50, filled=True, opacity=1).encode(
            x=alt.X("r:Q", scale=scale), shape=shape, description="text:N", **marks
        ),
    ]
    return alt.layer(*layers).properties(width=PANEL_WIDTH, height=METRIC_HEIGHT * len(rows), title=title)
