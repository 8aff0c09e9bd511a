"""Cells → what the degree of diversity did to a subset: its units, its candidate pool, the length of its responses."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import polars as pl

from m2m.strategies import UNIT_STRATEGIES
from m2m.study.cells.cells import SETTING, get_column, split_cells
from m2m.study.cells.labels import label_setting
from m2m.study.figures.style import (
    GREY,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    SIDE_NAMES,
    Mark,
    encode_looks,
    find_look,
    list_log_ticks,
    make_chart,
    make_degree_axis,
    pad_range,
)

AXIS_TITLES = {
    "mean_response_tokens": "mean response tokens",
    "k": "units k, log scale",
    "candidate_rows": "rows in the candidate pool, log scale",
}
Scale = Literal["linear", "log"]


def draw_cell_panels(cells: pl.DataFrame, settings: Sequence[Mapping[str, Any]], name: str, scale: Scale) -> list[Any]:
    """A panel a setting and side with the means of the column `name`, all on one `scale`; random's mean is dashed."""
    panels = []
    for setting in settings:
        setting_cells = cells.filter(*[pl.col(key) == setting[key] for key in SETTING])
        six = setting_cells.filter(pl.col("strategy").is_in(UNIT_STRATEGIES))
        for side, side_name in SIDE_NAMES.items():
            rows = _average_configurations(six.filter(pl.col("strategy").str.starts_with(side)), name)
            random = _average_random(setting_cells, name) if scale == "linear" else []
            panels += [(f"{side_name} · {label_setting(setting, settings)}", rows, random)] if rows else []
    values = [row["value"] for _, rows, random in panels for row in rows + random]
    return [_draw_panel(title, rows, random, _make_height(name, scale, values)) for title, rows, random in panels]


def _average_configurations(cells: pl.DataFrame, name: str) -> list[Mark]:
    rows = []
    for key, seeds in split_cells(cells, "strategy", "degree"):
        value = float(get_column(seeds, name).mean())
        text = f"{key['strategy']} at degree {key['degree']}: {name.replace('_', ' ')} {value:,.0f}"
        rows.append({"degree": key["degree"], "look": find_look(key["strategy"]), "value": value, "text": text})
    return rows


def _average_random(cells: pl.DataFrame, name: str) -> list[Mark]:
    randoms = cells.filter(pl.col("strategy") == "random")
    means = [float(get_column(randoms, name).mean())] if randoms.height else []
    return [{"value": value, "text": f"random: {name.replace('_', ' ')} {value:,.0f}"} for value in means]


def _make_height(name: str, scale: Scale, values: list[float]) -> Any:
    import altair as alt

    domain = pad_range(values) if scale == "linear" else [min(values), max(values)]
    ticks = {"values": list_log_ticks()} if scale == "log" else {"tickCount": 5}
    height = alt.Scale(type=scale, domain=domain, nice=scale == "log")
    return alt.Y("value:Q", title=AXIS_TITLES[name], scale=height, axis=alt.Axis(format="~s", **ticks))


def _draw_panel(title: str, rows: list[Mark], random: list[Mark], y: Any) -> Any:
    import altair as alt

    colour, shape = encode_looks(row["look"] for row in rows)
    text = alt.Description("text:N")
    channels: dict[str, Any] = {"x": make_degree_axis(), "y": y, "color": colour}
    dashes = make_chart(random)
    layers = [
        dashes.mark_rule(color=GREY, strokeDash=[4, 3]).encode(y=y, description=text),
        dashes.mark_text(color=GREY, align="left", dx=5, text="random").encode(
            x=alt.value(PANEL_WIDTH), y=y, description=text
        ),
        make_chart(rows).mark_line(strokeWidth=1.6).encode(**channels),
        make_chart(rows).mark_point(size=55, filled=True, opacity=1).encode(shape=shape, description=text, **channels),
    ]
    return alt.layer(*(layers if random else layers[2:])).properties(
        width=PANEL_WIDTH, height=PANEL_HEIGHT, title=title
    )
