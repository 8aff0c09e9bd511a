"""Charts → SVG and PNG; equal charts give equal bytes."""

from io import StringIO
from pathlib import Path
from typing import Any


def svg(chart: Any) -> str:
    """An Altair chart as SVG; Vega escapes the text in it."""
    place = StringIO()
    chart.save(place, format="svg")
    return place.getvalue()


def write_drawing(stem: Path, chart: Any) -> None:
    """The chart as `stem`.svg, and as `stem`.png at twice its size; makes the folder too."""
    import vl_convert

    stem.parent.mkdir(parents=True, exist_ok=True)
    drawn = svg(chart)
    stem.with_suffix(".svg").write_text(drawn, encoding="utf-8")
    stem.with_suffix(".png").write_bytes(vl_convert.svg_to_png(drawn, scale=2))
