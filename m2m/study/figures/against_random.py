"""Study → what each kind of cell adds to random, a panel a setting: the longest gain on top."""

from typing import Any

from m2m.study.cells.cells import SETTING
from m2m.study.cells.labels import label_setting, name_configuration, select_rows
from m2m.study.cells.rows import StudyRow
from m2m.study.figures.style import RANDOM, WIDTH, by_scale, of_rows, room, scale_of

LINE = 15  # pixels a kind


def random_panels(study: dict[str, Any], outcome: str) -> list[Any]:
    """A panel a setting in which something can be said against random."""
    found = []
    for setting in study["settings"]:
        here = {name: setting[name] for name in SETTING} | {"outcome": outcome}
        rows = [_row(row) for row in select_rows(study["against_random"], here) if "p_holm" in row]
        if rows:
            found.append((label_setting(setting, study["settings"]), sorted(rows, key=lambda row: -row["value"])))
    ends = [row[name] for _, rows in found for row in rows for name in ("all_low", "all_high")]
    return [_panel(title, rows, room([*ends, 0.0])) for title, rows in found]


def _row(row: StudyRow) -> StudyRow:
    told = (
        f"{name_configuration(row)} − random: {row['value']:+.4f}, 95 % {row['low']:+.4f} to "
        f"{row['high']:+.4f}; for all rows together {row['all_low']:+.4f} to {row['all_high']:+.4f}; "
        f"Holm p {row['p_holm']:.2g}"
    )
    ends = {name: row[name] for name in ("value", "low", "high", "all_low", "all_high")}
    return ends | {
        "kind": name_configuration(row).replace("at degree ", ""),
        "scale": scale_of(row["strategy"]),
        "told": told,
    }


def _panel(title: str, rows: list[StudyRow], domain: list[float]) -> Any:
    import altair as alt

    y = alt.Y("kind:N", sort=[row["kind"] for row in rows], title=None, axis=alt.Axis(labelLimit=260, ticks=False))
    scale, told = alt.Scale(domain=domain, nice=False), alt.Description("told:N")
    colour, shape = by_scale(row["scale"] for row in rows)
    axis = alt.Axis(tickCount=5, format=".3~f")
    chart = of_rows(rows)
    layers = [
        of_rows([{"zero": 0}]).mark_rule(color=RANDOM, strokeDash=[4, 3]).encode(x=alt.X("zero:Q", scale=scale)),
        chart.mark_rule(strokeWidth=1, opacity=0.45).encode(
            x=alt.X("all_low:Q", scale=scale, title="mean − random's mean", axis=axis),
            x2="all_high:Q",
            y=y,
            color=colour,
        ),
        chart.mark_rule(strokeWidth=2.6).encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=y, color=colour),
        chart.mark_point(size=50, filled=True, opacity=1).encode(
            x=alt.X("value:Q", scale=scale), y=y, color=colour, shape=shape, description=told
        ),
    ]
    return alt.layer(*layers).properties(width=WIDTH, height=LINE * len(rows), title=title)
