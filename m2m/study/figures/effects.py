"""Study and cells → an outcome against diversity, a panel a setting and side, with the range of random cells behind."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from m2m.planning.seed_noise import ALPHA
from m2m.schemas.study import Study
from m2m.schemas.study_numbers import Place
from m2m.schemas.study_rows import SettingRow
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.cells.cells import select_outcome
from m2m.study.cells.labels import (
    format_difference,
    format_interval,
    format_level,
    format_p,
    is_cliff,
    label_setting,
    name_configuration,
    select_place,
    select_rows,
)
from m2m.study.cells.outcomes import MAIN
from m2m.study.figures.style import (
    GREY,
    GRID,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    SIDE_NAMES,
    Mark,
    encode_looks,
    find_look,
    make_chart,
    make_degree_axis,
    pad_range,
)

DODGE = {"macro": -0.14, "meso": 0.0, "micro": 0.14, "length": 0.26}  # degrees: no interval hides another
SHOWN_STRATEGIES = {side: [name for name in UNIT_STRATEGIES if name.startswith(side)] for side in SIDE_NAMES}
SHOWN_STRATEGIES["response"] += ["length-matched"]  # random rows with the response lengths of response-micro


def draw_effect_panels(study: Study, cells: pl.DataFrame, outcome: str, settings: Sequence[SettingRow]) -> list[Any]:
    """A panel a setting and side that has cells of the six strategies or matched to their lengths, on one scale."""
    panels = []
    for setting in settings:
        view = Place(outcome=outcome, condition=setting["condition"], size=setting["size"])
        for side, side_name in SIDE_NAMES.items():
            layers = _collect_layers(study, select_outcome(cells, outcome), view, side)
            if layers["means"]:
                panels.append((f"{side_name} · {label_setting(setting, study['settings'])}", layers))
    ends = [value for _, layers in panels for rows in layers.values() for row in rows for value in _list_heights(row)]
    return [_draw_panel(title, layers, outcome, pad_range(ends)) for title, layers in panels]


def _collect_layers(study: Study, cells: pl.DataFrame, view: Place, side: str) -> dict[str, list[Mark]]:
    strategies, rows = SHOWN_STRATEGIES[side], select_place(study, view)
    configurations = [row for row in rows["against_random"] if row["strategy"] in strategies and _is_shown(row)]
    slopes = [row for row in rows["slopes"] if row["strategy"] in strategies]
    cliffs = {row["strategy"] for row in rows["shapes"] if row.get("p_holm", 1.0) < ALPHA and is_cliff(row)}
    trends = [row for row in slopes if row["strategy"] not in cliffs and row.get("p_holm", 1.0) < ALPHA]
    lines = [row for row in trends if "band" in row]
    in_setting = (pl.col("condition") == view["condition"]) & (pl.col("size") == view["size"])
    side_cells = filter(_is_shown, cells.filter(in_setting & pl.col("strategy").is_in(strategies)).rows(named=True))
    return {
        "random": _describe_random(study, view, configurations),
        "lines": [_fit_point(row, point) for row in lines for point in row["band"]],
        "cells": [_place(row) | {"worth": row["worth"], "text": _describe_cell(row, view)} for row in side_cells],
        "means": [_summarize_configuration(row, _find_random_mean(study, row)) for row in configurations],
    }


def _is_shown(row: Mapping[str, Any]) -> bool:
    """Of length-matched rows those alone that stand beside the strategy whose lengths they have."""
    return bool(row["strategy"] != "length-matched" or row["match"] == "response-micro")


def _describe_random(study: Study, view: Place, configurations: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """The range in which another random cell is expected, of the random cells that this setting is compared with."""
    conditions = {row.get("random_condition", view["condition"]) for row in configurations}
    keys = [{**view, "condition": condition} for condition in conditions]
    floors = [row for key in keys for row in select_rows(study["floors"], key) if "sd" in row]
    return [
        {
            "low": row["low"],
            "high": row["high"],
            "mean": row["mean"],
            "text": f"random, {row['cells']} cells: mean {format_level(row['outcome'], row['mean'])}, "
            f"95 % of random cells {format_interval(row)}",
        }
        for row in floors
    ]


def _find_random_mean(study: Study, row: Mapping[str, Any]) -> float | None:
    """Of the random cells that a configuration is compared with."""
    key = {name: row[name] for name in ("outcome", "size")} | {"condition": row.get("random_condition")}
    return next((floor["mean"] for floor in select_rows(study["floors"], key) if "mean" in floor), None)


def _summarize_configuration(row: Mapping[str, Any], random: float | None) -> Mark:
    """A configuration's mean, and around random's mean the 95 % CI of its difference from it, where there is one.

    The difference is one within seeds, so the mean need not stand in the middle.
    """
    mark = _place(row) | {"worth": row["mean"]}
    text = f"{name_configuration(row)}: {format_level(row['outcome'], row['mean'])}, mean of {row['cells']} cells"
    if random is None or "low" not in row:
        return mark | {"text": text}
    ends = {"low": random + row["low"], "high": random + row["high"]}
    difference = f"{format_difference(row['value'])} from random, 95 % CI {format_interval(row)}"
    return mark | ends | {"text": f"{text}; {difference}; {row['mean_response_tokens']:.0f} response tokens"}


def _fit_point(row: Mapping[str, Any], point: Mapping[str, Any]) -> Mark:
    look = {"look": find_look(row["strategy"]), "text": _describe_slope(row)}
    return {**look, **point, "degree": 6 * point["diversity"]}


def _describe_slope(row: Mapping[str, Any]) -> str:
    proof = f", Holm p {format_p(row['p_holm'])}" if "p_holm" in row else ""
    return f"{row['strategy']}: slope {format_difference(row['value'])} (95 % CI {format_interval(row)}){proof}"


def _describe_cell(row: Mapping[str, Any], view: Place) -> str:
    name = f"{row['strategy']}, degree {row['degree']}, seed {row['seed']}"
    return f"{row['experiment']}: {name}: {format_level(view['outcome'], row['worth'])}"


def _place(row: Mapping[str, Any]) -> Mark:
    strategy = str(row["strategy"])
    scale = "length" if strategy == "length-matched" else strategy.rpartition("-")[2]
    return {"strategy": strategy, "look": find_look(strategy), "degree": row["degree"] + DODGE[scale]}


def _list_heights(row: Mark) -> list[float]:
    return [row[name] for name in ("worth", "low", "high") if name in row]


def _draw_panel(title: str, layers: dict[str, list[Mark]], outcome: str, domain: list[float]) -> Any:
    import altair as alt

    x, height = make_degree_axis(), alt.Scale(domain=domain, nice=False)
    y, text = alt.Y("worth:Q", title=MAIN[outcome].axis, scale=height), alt.Description("text:N")
    colour, shape = encode_looks(row["look"] for row in layers["means"])
    random, lines, cells, means = (make_chart(layers[name]) for name in layers)
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
        means.mark_rule(strokeWidth=1.6).encode(y=low, y2="high:Q", **channels),
        cells.mark_point(size=14, filled=True, opacity=0.45).encode(y=y, shape=shape, **channels),
        means.mark_point(size=64, filled=True, opacity=1, stroke=GRID, strokeWidth=0.5).encode(
            y=y, shape=shape, **channels
        ),
    ]
    return alt.layer(*marks).properties(width=PANEL_WIDTH, height=PANEL_HEIGHT, title=title)
