"""Charts → SVG, PNG and words; equal charts give equal bytes."""

import re
from io import StringIO
from pathlib import Path
from typing import Any

from m2m.runtime.atomic_files import replace_file, write_text
from m2m.study.figures.style import FONT

PNG_FONT, PNG_LETTERS = "DejaVu Sans", 0.88  # its width beside Arial's
PNG_SCALE = 2  # pixels of the PNG a pixel of the chart
LETTER_SIZE = re.compile(r'font-size="([\d.]+)px"')
SIZE = re.compile(r'width="(\d+)" height="(\d+)"')  # of the root element, before its viewBox


def render_svg(chart: Any, scale: float = 1.0) -> str:
    """An Altair chart as SVG, shown `scale` times as large as drawn; Vega escapes the text in it."""
    place = StringIO()
    chart.save(place, format="svg")
    return SIZE.sub(lambda size: _scale_size(size, scale), place.getvalue(), count=1)


def _scale_size(size: re.Match[str], scale: float) -> str:
    width, height = (round(scale * int(text)) for text in size.groups())
    return f'width="{width}" height="{height}"'


def render_png(svg: str) -> bytes:
    """The picture at twice its size, in letters that are the same on every machine: those that matplotlib brings.

    They are wider than Arial's, for which Vega left room, so they are drawn smaller.
    """
    import vl_convert
    from matplotlib import get_data_path

    vl_convert.register_font_directory(str(Path(get_data_path(), "fonts/ttf")))
    narrowed = LETTER_SIZE.sub(lambda size: f'font-size="{PNG_LETTERS * float(size[1]):.1f}px"', svg)
    return bytes(vl_convert.svg_to_png(narrowed.replace(f'"{FONT}"', f'"{PNG_FONT}"'), scale=PNG_SCALE))


def write_figure(stem: Path, chart: Any) -> None:
    """The chart as `stem`.svg, and as `stem`.png at twice its size; makes the folder too."""
    svg = render_svg(chart)
    write_text(stem.with_suffix(".svg"), svg)
    with replace_file(stem.with_suffix(".png")) as temporary:
        temporary.write_bytes(render_png(svg))


def write_picture(path: Path, chart: Any) -> None:
    """The chart as PNG or SVG, by the suffix of `path`; makes the folder too."""
    svg = render_svg(chart)
    with replace_file(path) as temporary:
        temporary.write_bytes(svg.encode() if path.suffix == ".svg" else render_png(svg))


def list_descriptions(panel: Any) -> list[str]:
    """The panel's title with the description of each main mark, those of the last layer: its alternative in words."""
    spec = panel.to_dict()
    rows = spec.get("layer", [spec])[-1]["data"]["values"]
    return [f"{spec['title']} · {row['text']}" for row in rows]
