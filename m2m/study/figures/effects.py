"""Study and cells → an outcome against diversity, a panel a setting and side, with the range of random cells behind."""

from typing import Any

import polars as pl
from scipy import stats

from m2m.study.cells.cells import SETTING, STRATEGIES, with_worth
from m2m.study.cells.labels import ALPHA, kind, of, short, span
from m2m.study.cells.outcomes import MAIN
from m2m.study.cells.rows import Row
from m2m.study.figures.style import (
    GREY,
    GRID,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    SIDE_NAMES,
    encode_looks,
    find_look,
    make_chart,
    make_degree_axis,
    pad_range,
)

DODGE = {"macro": -0.14, "meso": 0.0, "micro": 0.14, "length": 0.26}  # degrees: no interval hides another
SHOWN_STRATEGIES = {side: [name for name in STRATEGIES if name.startswith(side)] for side in SIDE_NAMES}
SHOWN_STRATEGIES["response"] += ["stratified-length"]  # random rows with the response lengths of response-micro


def draw_effect_panels(study: dict[str, Any], cells: pl.DataFrame, outcome: str, settings: list[Row]) -> list[Any]:
    """A panel a setting and side that has cells of the six strategies or matched to their lengths, on one scale."""
    panels = []
    for setting in settings:
        view = {name: setting[name] for name in SETTING} | {"outcome": outcome}
        for side, side_name in SIDE_NAMES.items():
            layers = _collect_layers(study, with_worth(cells, outcome), view, side)
            if layers["means"]:
                panels.append((f"{side_name} · {short(setting, study['settings'])}", layers))
    ends = [value for _, layers in panels for rows in layers.values() for row in rows for value in _list_heights(row)]
    return [_draw_panel(title, layers, outcome, pad_range(ends)) for title, layers in panels]


def _collect_layers(study: dict[str, Any], cells: pl.DataFrame, view: Row, side: str) -> dict[str, list[Row]]:
    configurations = [row for row in of(study["against_random"], view) if row["strategy"] in SHOWN_STRATEGIES[side]]
    slopes = [row for row in of(study["slopes"], view) if row["strategy"] in SHOWN_STRATEGIES[side]]
    lines = [row for row in slopes if "band" in row and row.get("p_holm", 1.0) < ALPHA]
    texts = {row["strategy"]: _describe_slope(row) for row in slopes if "value" in row}
    straight = {row["strategy"] for row in lines}
    filters = [pl.col(name) == view[name] for name in SETTING]
    side_cells = cells.filter(pl.col("strategy").is_in(SHOWN_STRATEGIES[side]), *filters).rows(named=True)
    return {
        "random": _describe_random(study, view, configurations),
        "lines": [_fit_point(row, point) for row in lines for point in row["band"]],
        "joins": [
            _place(row) | {"worth": row["mean"], "text": texts.get(row["strategy"], row["strategy"])}
            for row in configurations
            if row["strategy"] in STRATEGIES and row["strategy"] not in straight
        ],
        "cells": [_place(row) | {"worth": row["worth"], "text": _describe_cell(row, view)} for row in side_cells],
        "means": [_summarize_configuration(row) for row in configurations],
    }


def _describe_random(study: dict[str, Any], view: Row, configurations: list[Row]) -> list[Row]:
    """The range in which another random cell is expected, of the random cells that this setting is compared with."""
    conditions = {row.get("random_condition", view["condition"]) for row in configurations}
    floors = [row for name in conditions for row in of(study["floors"], view | {"condition": name}) if "sd" in row]
    return [
        {
            "low": row["low"],
            "high": row["high"],
            "mean": row["mean"],
            "text": f"random, {row['cells']} cells: mean {_level(row['mean'], row)}, 95 % of random cells "
            f"{_level(row['low'], row)} to {_level(row['high'], row)}",
        }
        for row in floors
    ]


def _summarize_configuration(row: Row) -> Row:
    """A configuration's mean with its 95 % CI, where the noise pooled over all replicated cells is known."""
    mark = _place(row) | {"worth": row["mean"]}
    text = f"{kind(row)}: {_level(row['mean'], row)}, mean of {row['cells']} cells"
    if "pooled_sd" not in row:
        return mark | {"text": text}
    half = float(stats.t.ppf(1 - ALPHA / 2, row["df"])) * row["pooled_sd"] / row["cells"] ** 0.5
    low, high = row["mean"] - half, row["mean"] + half
    interval = f"95 % CI {_level(low, row)} to {_level(high, row)}"
    tokens = f"{row['mean_response_tokens']:.0f} response tokens"
    return mark | {"low": low, "high": high, "text": f"{text}, {interval}; {tokens}"}


def _fit_point(row: Row, point: Row) -> Row:
    look = {"look": find_look(row["strategy"]), "text": _describe_slope(row)}
    return look | point | {"degree": 6 * point["diversity"]}


def _describe_slope(row: Row) -> str:
    proof = f", Holm p {row['p_holm']:.2g}" if "p_holm" in row else ""
    return f"{row['strategy']}: slope {row['value']:+.4f} (95 % CI {span(row)}){proof}"


def _describe_cell(row: Row, view: Row) -> str:
    name = f"{row['strategy']}, degree {row['degree']}, seed {row['seed']}"
    return f"{row['experiment']}: {name}: {_level(row['worth'], view)}"


def _level(value: float, row: Row) -> str:
    """A level of the row's outcome: a share has no sign, a difference has one."""
    return f"{value:.3f}" if "win_rate" in row["outcome"] else f"{value:+.4f}"


def _place(row: Row) -> Row:
    strategy = str(row["strategy"])
    scale = "length" if strategy == "stratified-length" else strategy.rpartition("-")[2]
    return {"strategy": strategy, "look": find_look(strategy), "degree": row["degree"] + DODGE[scale]}


def _list_heights(row: Row) -> list[float]:
    return [row[name] for name in ("worth", "low", "high") if name in row]


def _draw_panel(title: str, layers: dict[str, list[Row]], outcome: str, domain: list[float]) -> Any:
    import altair as alt

    x, height = make_degree_axis(), alt.Scale(domain=domain, nice=False)
    y, text = alt.Y("worth:Q", title=MAIN[outcome].axis, scale=height), alt.Description("text:N")
    colour, shape = encode_looks(row["look"] for row in layers["means"])
    random, lines, joins, cells, means = (make_chart(layers[name]) for name in layers)
    low, middle, centre = (alt.Y(f"{name}:Q", scale=height) for name in ("low", "middle", "mean"))
    channels: dict[str, Any] = {"x": x, "color": colour, "description": text}
    marks = [
        random.mark_rect(color=GREY, opacity=0.18).encode(y=low, y2="high:Q", description=text),
        random.mark_rule(color=GREY, strokeDash=[4, 3]).encode(y=centre, description=text),
        random.mark_text(color=GREY, align="left", dx=5, text="random").encode(
            x=alt.value(PANEL_WIDTH), y=centre, description=text
        ),
        lines.mark_area(opacity=0.16).encode(y=low, y2="high:Q", **channels),
        lines.mark_line(strokeWidth=1.8).encode(y=middle, **channels),
        joins.mark_line(strokeWidth=1.2, opacity=0.8).encode(y=y, detail="strategy:N", **channels),
        means.mark_rule(strokeWidth=1.6).encode(y=low, y2="high:Q", **channels),
        cells.mark_point(size=14, filled=True, opacity=0.45).encode(y=y, shape=shape, **channels),
        means.mark_point(size=64, filled=True, opacity=1, stroke=GRID, strokeWidth=0.5).encode(
            y=y, shape=shape, **channels
        ),
    ]
    return alt.layer(*marks).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT, title=title)
