"""Cells → what the degree of diversity did to a subset: its units, its candidate pool, the length of its responses."""

from typing import Any, Literal

import polars as pl

from m2m.study.cells.cells import SETTING, STRATEGIES, get_column, split_cells
from m2m.study.cells.labels import label_setting
from m2m.study.cells.rows import StudyRow
from m2m.study.figures.style import (
    HEIGHT,
    RANDOM,
    SIDES,
    WIDTH,
    by_scale,
    degree_axis,
    log_ticks,
    of_rows,
    room,
    scale_of,
)

CALLED = {
    "mean_response_tokens": "mean response tokens",
    "k": "units k, log scale",
    "candidate_rows": "rows in the candidate pool, log scale",
}
Scale = Literal["linear", "log"]


def cell_panels(cells: pl.DataFrame, settings: list[StudyRow], name: str, scale: Scale) -> list[Any]:
    """A panel a setting and side with the means of the column `name`, all on one `scale`; random's mean is dashed."""
    drawn = []
    for setting in settings:
        here = cells.filter(*[pl.col(column) == setting[column] for column in SETTING])
        six = here.filter(pl.col("strategy").is_in(STRATEGIES))
        for side, called in SIDES.items():
            rows = _rows(six.filter(pl.col("strategy").str.starts_with(side)), name)
            random = _random(here, name) if scale == "linear" else []
            drawn += [(f"{called} · {label_setting(setting, settings)}", rows, random)] if rows else []
    values = [row["value"] for _, rows, random in drawn for row in rows + random]
    return [_panel(title, rows, random, _height(name, scale, values)) for title, rows, random in drawn]


def _rows(cells: pl.DataFrame, name: str) -> list[StudyRow]:
    found = []
    for key, some in split_cells(cells, "strategy", "degree"):
        value = float(get_column(some, name).mean())
        told = f"{key['strategy']} at degree {key['degree']}: {name.replace('_', ' ')} {value:,.0f}"
        found.append({"degree": key["degree"], "scale": scale_of(key["strategy"]), "value": value, "told": told})
    return found


def _random(cells: pl.DataFrame, name: str) -> list[StudyRow]:
    randoms = cells.filter(pl.col("strategy") == "random")
    mean = [float(get_column(randoms, name).mean())] if randoms.height else []
    return [{"value": value, "told": f"random: {name.replace('_', ' ')} {value:,.0f}"} for value in mean]


def _height(name: str, scale: Scale, values: list[float]) -> Any:
    import altair as alt

    domain = room(values) if scale == "linear" else [min(values), max(values)]
    ticks = {"values": log_ticks()} if scale == "log" else {"tickCount": 5}
    axis = alt.Axis(format="~s", **ticks)
    return alt.Y(
        "value:Q", title=CALLED[name], scale=alt.Scale(type=scale, domain=domain, nice=scale == "log"), axis=axis
    )


def _panel(title: str, rows: list[StudyRow], random: list[StudyRow], y: Any) -> Any:
    import altair as alt

    colour, shape = by_scale(row["scale"] for row in rows)
    x, told = degree_axis(), alt.Description("told:N")
    at: dict[str, Any] = {"x": x, "y": y, "color": colour}
    layers = [
        of_rows(random).mark_rule(color=RANDOM, strokeDash=[4, 3]).encode(y=y, description=told),
        of_rows(rows).mark_line(strokeWidth=1.6).encode(**at),
        of_rows(rows).mark_point(size=55, filled=True, opacity=1).encode(shape=shape, description=told, **at),
    ]
    return alt.layer(*(layers if random else layers[1:])).properties(width=WIDTH, height=HEIGHT, title=title)
