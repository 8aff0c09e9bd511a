"""Study → what each configuration adds to random, a panel a setting: the largest difference on top."""

from collections.abc import Mapping
from typing import Any

from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.study.cells.labels import (
    format_difference,
    format_interval,
    format_p,
    format_shared_rows,
    label_configuration,
    label_setting,
    name_configuration,
    select_rows,
)
from m2m.study.cells.outcomes import MAIN
from m2m.study.figures.style import GREY, PANEL_WIDTH, Mark, encode_looks, find_look, make_chart, pad_range

CONFIGURATION_HEIGHT = 15  # pixels


def draw_random_panels(study: Study, outcome: str) -> list[Any]:
    """A panel a setting in which any configuration can be compared with random, all on one scale."""
    panels = []
    for setting in study["settings"]:
        view = Place(outcome=outcome, condition=setting["condition"], size=setting["size"])
        rows = [_summarize_difference(row) for row in select_rows(study["against_random"], view) if "p_holm" in row]
        if rows:
            panels.append((label_setting(setting, study["settings"]), sorted(rows, key=lambda row: -row["value"])))
    ends = [row[name] for _, rows in panels for row in rows for name in ("all_low", "all_high")]
    axis_title = f"{MAIN[outcome].name}: difference from random"
    return [_draw_panel(title, rows, pad_range([*ends, 0.0]), axis_title) for title, rows in panels]


def _summarize_difference(row: Mapping[str, Any]) -> Mark:
    text = (
        f"{name_configuration(row)} − random: {format_difference(row['value'])}, 95 % CI {format_interval(row)}; "
        f"simultaneous 95 % CI {format_interval(row, 'all_low', 'all_high')}; Holm p {format_p(row['p_holm'])}; "
        f"two of its seeds share {format_shared_rows(row)} of their rows"
    )
    ends = {name: row[name] for name in ("value", "low", "high", "all_low", "all_high")}
    return ends | {"configuration": label_configuration(row), "look": find_look(row["strategy"]), "text": text}


def _draw_panel(title: str, rows: list[Mark], domain: list[float], axis_title: str) -> Any:
    import altair as alt

    names = [row["configuration"] for row in rows]
    y = alt.Y("configuration:N", sort=names, title=None, axis=alt.Axis(labelLimit=260, ticks=False))
    scale, axis = alt.Scale(domain=domain, nice=False), alt.Axis(tickCount=5, format=".3f")
    colour, shape = encode_looks(row["look"] for row in rows)
    bars: dict[str, Any] = {"y": y, "color": colour}
    chart = make_chart(rows)
    layers = [
        make_chart([{"zero": 0}])
        .mark_rule(color=GREY, strokeDash=[4, 3])
        .encode(x=alt.X("zero:Q", scale=scale, title=axis_title, axis=axis)),
        chart.mark_rule(strokeWidth=1, opacity=0.45).encode(x=alt.X("all_low:Q", scale=scale), x2="all_high:Q", **bars),
        chart.mark_rule(strokeWidth=2.6).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", **bars),
        chart.mark_point(size=50, filled=True, opacity=1).encode(
            x=alt.X("value:Q", scale=scale), shape=shape, description=alt.Description("text:N"), **bars
        ),
    ]
    height = CONFIGURATION_HEIGHT * len(rows)
    return alt.layer(*layers).properties(width=PANEL_WIDTH, height=height, title=title)
