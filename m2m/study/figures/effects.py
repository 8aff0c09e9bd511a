"""Study and cells → performance against diversity, a panel a setting and side, random's band behind."""

from typing import Any

import polars as pl
from scipy import stats

from m2m.study.cells.cells import SETTING, STRATEGIES, select_outcome
from m2m.study.cells.labels import format_interval, label_setting, name_configuration, select_rows
from m2m.study.cells.outcomes import MAIN
from m2m.study.cells.rows import StudyRow
from m2m.study.figures.style import GRID, HEIGHT, RANDOM, SIDES, WIDTH, by_scale, degree_axis, of_rows, room, scale_of

APART = {
    "macro": -0.14,
    "meso": 0.0,
    "micro": 0.14,
    "length-matched random": 0.26,
}  # degrees: no interval hides another
SHOWN = {side: [name for name in STRATEGIES if name.startswith(side)] for side in SIDES}
SHOWN["response"] += ["stratified-length"]  # random rows with the response lengths of response-micro


def effect_panels(study: dict[str, Any], cells: pl.DataFrame, outcome: str) -> list[Any]:
    """A panel a setting and side that has cells of the six strategies or matched to their lengths, on one scale."""
    drawn = []
    for setting in study["settings"]:
        here = {name: setting[name] for name in SETTING}
        for side, called in SIDES.items():
            parts = _parts(study, select_outcome(cells, outcome), here | {"outcome": outcome}, side)
            if parts["means"]:
                drawn.append((f"{called} · {label_setting(setting, study['settings'])}", parts))
    ends = [value for _, parts in drawn for rows in parts.values() for row in rows for value in _heights(row)]
    return [_panel(title, parts, outcome, room(ends)) for title, parts in drawn]


def _parts(study: dict[str, Any], cells: pl.DataFrame, here: StudyRow, side: str) -> dict[str, list[StudyRow]]:
    kinds = [row for row in select_rows(study["against_random"], here) if row["strategy"] in SHOWN[side]]
    slopes = [row for row in select_rows(study["slopes"], here) if row["strategy"] in SHOWN[side] and "band" in row]
    lines = [
        _look(row) | point | {"degree": 6 * point["diversity"], "told": _line(row)}
        for row in slopes
        for point in row["band"]
    ]
    own = cells.filter(pl.col("strategy").is_in(SHOWN[side]), *[pl.col(name) == here[name] for name in SETTING])
    dots = [_look(row) | _at(row) | {"worth": row["worth"], "told": _cell(row)} for row in own.rows(named=True)]
    return {"floor": _floor(study, here, kinds), "lines": lines, "cells": dots, "means": [_mean(row) for row in kinds]}


def _floor(study: dict[str, Any], here: StudyRow, kinds: list[StudyRow]) -> list[StudyRow]:
    """Where another random cell is expected; of the random cells that this setting's cells are compared with."""
    wanted = {row.get("random_condition", here["condition"]) for row in kinds}
    floors = [row for name in wanted for row in select_rows(study["floors"], here | {"condition": name}) if "sd" in row]
    return [{key: row[key] for key in ("low", "high", "mean")} | {"told": _floor_told(row)} for row in floors]


def _floor_told(row: StudyRow) -> str:
    ends = f"{row['low']:+.4f} to {row['high']:+.4f}"
    return f"random, {row['cells']} cells: mean {row['mean']:+.4f}, 95 % of such cells {ends}"


def _mean(row: StudyRow) -> StudyRow:
    """A kind's mean, with the t interval of the noise that is pooled over all replicated cells, where there is one."""
    found = _look(row) | _at(row) | {"worth": row["mean"]}
    told = f"{name_configuration(row)}: {row['mean']:+.4f}, mean of {row['cells']} cells"
    if "pooled_sd" not in row:
        return found | {"told": told}
    half = float(stats.t.ppf(0.975, row["df"])) * row["pooled_sd"] / row["cells"] ** 0.5
    low, high = row["mean"] - half, row["mean"] + half
    lengths = f"{row['mean_response_tokens']:.0f} response tokens"
    return found | {"low": low, "high": high, "told": f"{told}, 95 % {low:+.4f} to {high:+.4f}; {lengths}"}


def _line(row: StudyRow) -> str:
    return f"{row['strategy']}: slope {row['value']:+.4f} (95 % {format_interval(row)}), Holm p {row['p_holm']:.2g}"


def _look(row: StudyRow) -> StudyRow:
    return {"scale": scale_of(row["strategy"])}


def _at(row: StudyRow) -> StudyRow:
    return {"degree": row["degree"] + APART[scale_of(row["strategy"])]}


def _cell(row: StudyRow) -> str:
    return f"{row['experiment']}: {row['strategy']}, degree {row['degree']}, seed {row['seed']}: {row['worth']:+.4f}"


def _heights(row: StudyRow) -> list[float]:
    return [row[name] for name in ("worth", "low", "high") if name in row]


def _panel(title: str, parts: dict[str, list[StudyRow]], outcome: str, domain: list[float]) -> Any:
    import altair as alt

    x, height = degree_axis(), alt.Scale(domain=domain, nice=False)
    y, told = alt.Y("worth:Q", title=MAIN[outcome].axis, scale=height), alt.Description("told:N")
    colour, shape = by_scale(row["scale"] for row in parts["means"])
    floor, lines, cells, means = (of_rows(parts[name]) for name in ("floor", "lines", "cells", "means"))
    low, middle, centre = (alt.Y(f"{name}:Q", scale=height) for name in ("low", "middle", "mean"))
    at: dict[str, Any] = {"x": x, "color": colour, "description": told}
    layers = [
        floor.mark_rect(color=RANDOM, opacity=0.18).encode(y=low, y2="high:Q", description=told),
        floor.mark_rule(color=RANDOM, strokeDash=[4, 3]).encode(y=centre, description=told),
        floor.mark_text(color=RANDOM, baseline="top", dy=2, text="random").encode(
            x=alt.value(WIDTH / 2), y=alt.Y("high:Q", scale=height), description=told
        ),
        lines.mark_area(opacity=0.16).encode(y=low, y2="high:Q", **at),
        lines.mark_line(strokeWidth=1.6).encode(y=middle, **at),
        means.mark_rule(strokeWidth=1.6).encode(y=low, y2="high:Q", **at),
        cells.mark_point(size=14, filled=True, opacity=0.45).encode(y=y, shape=shape, **at),
        means.mark_point(size=64, filled=True, opacity=1, stroke=GRID, strokeWidth=0.5).encode(y=y, shape=shape, **at),
    ]
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT, title=title)
