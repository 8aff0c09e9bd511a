"""Cells → what the degree of diversity did to a subset: its units, its candidate pool, the length of its responses."""

from typing import Any

import polars as pl

from stages.core.cells import SETTING, STRATEGIES, column, parts
from stages.core.charts import HEIGHT, RANDOM, SIDES, WIDTH, by_scale, degree_axis, log_ticks, of_rows, scale_of
from stages.core.naming import short
from stages.core.reasons import Row

COUNTS = {"k": "units k, log scale", "candidate_rows": "rows in the candidate pool, log scale"}
LENGTHS = {"mean_response_tokens": "mean response tokens"}


def cell_panels(cells: pl.DataFrame, settings: list[Row], titles: dict[str, str], scale: str) -> list[Any]:
    """A panel a setting, side and column of `titles`, on a `scale` linear or log; random's mean is a dashed line."""
    panels = []
    for setting in settings:
        here = cells.filter(*[pl.col(name) == setting[name] for name in SETTING])
        for name, title in titles.items():
            for side, called in SIDES.items():
                rows = _rows(
                    here.filter(pl.col("strategy").is_in(STRATEGIES), pl.col("strategy").str.starts_with(side)), name
                )
                if rows:
                    random = _random(here, name) if scale == "linear" else []
                    panels.append(_panel(f"{called} · {short(setting, settings)}", rows, random, title, scale))
    return panels


def _rows(cells: pl.DataFrame, name: str) -> list[Row]:
    found = []
    for key, some in parts(cells, "strategy", "degree"):
        value = float(column(some, name).mean())
        told = f"{key['strategy']} at degree {key['degree']}: {name.replace('_', ' ')} {value:,.0f}"
        found.append({"degree": key["degree"], "scale": scale_of(key["strategy"]), "value": value, "told": told})
    return found


def _random(cells: pl.DataFrame, name: str) -> list[Row]:
    randoms = cells.filter(pl.col("strategy") == "random")
    mean = [float(column(randoms, name).mean())] if randoms.height else []
    return [{"value": value, "told": f"random: {name.replace('_', ' ')} {value:,.0f}"} for value in mean]


def _panel(title: str, rows: list[Row], random: list[Row], called: str, scale: str) -> Any:
    import altair as alt

    ticks = {"values": log_ticks()} if scale == "log" else {"tickCount": 5}
    y = alt.Y("value:Q", title=called, scale=alt.Scale(type=scale, zero=False), axis=alt.Axis(format="~s", **ticks))
    colour, shape = by_scale(row["scale"] for row in rows)
    x, told = degree_axis(), alt.Description("told:N")
    layers = [
        of_rows(random).mark_rule(color=RANDOM, strokeDash=[4, 3]).encode(y=y, description=told),
        of_rows(rows).mark_line(strokeWidth=1.6).encode(x=x, y=y, color=colour),
        of_rows(rows)
        .mark_point(size=55, filled=True, opacity=1)
        .encode(x=x, y=y, color=colour, shape=shape, description=told),
    ]
    return alt.layer(*(layers if random else layers[1:])).properties(width=WIDTH, height=HEIGHT, title=title)
