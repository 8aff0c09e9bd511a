"""Charts → SVG, PNG and words; equal charts give equal bytes."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

from m2m.runtime.atomic_files import replace_file, write_text

PNG_SCALE = 2  # pixels of the PNG a pixel of the chart
SIZE = re.compile(r'width="(\d+)" height="(\d+)"')  # of the root element, before its viewBox


def render_svg(chart: Any, scale: float = 1.0) -> str:
    """An Altair chart as SVG, shown `scale` times as large as drawn; Vega escapes the text in it."""
    place = StringIO()
    chart.save(place, format="svg")
    return SIZE.sub(lambda size: _scale_size(size, scale), place.getvalue(), count=1)


def _scale_size(size: re.Match[str], scale: float) -> str:
    width, height = (round(scale * int(text)) for text in size.groups())
    return f'width="{width}" height="{height}"'


def write_figure(stem: Path, chart: Any) -> None:
    """The chart as `stem`.svg, and as `stem`.png at twice its size; makes the folder too."""
    import vl_convert

    svg = render_svg(chart)
    write_text(stem.with_suffix(".svg"), svg)
    with replace_file(stem.with_suffix(".png")) as temporary:
        temporary.write_bytes(vl_convert.svg_to_png(svg, scale=PNG_SCALE))


def write_picture(path: Path, chart: Any) -> None:
    """The chart as PNG or SVG, by the suffix of `path`; makes the folder too."""
    with replace_file(path) as temporary:
        chart.save(temporary, format=path.suffix[1:], scale_factor=PNG_SCALE)


def list_descriptions(panel: Any) -> list[str]:
    """The panel's title with the description of each main mark, those of the last layer: its alternative in words."""
    spec = panel.to_dict()
    rows = spec.get("layer", [spec])[-1]["data"]["values"]
    return [f"{spec['title']} · {row['text']}" for row in rows]
