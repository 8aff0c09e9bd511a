"""Drawings: SVG with its text escaped, and a PNG of twice its size."""

import struct
from pathlib import Path

import altair as alt

from m2m.study.figures.save import render_svg, write_figure

CHART = (
    alt.Chart(alt.Data(values=[{"x": 1, "told": "<script>"}]), title="<img>")
    .mark_point()
    .encode(x="x:Q", description="told:N")
    .properties(width=100, height=50)
)


def test_text_in_a_chart_is_escaped() -> None:
    text = render_svg(CHART)
    assert text.startswith("<svg") and "&lt;script&gt;" in text and "<script" not in text and "<img" not in text


def test_both_files_are_written_and_drawn_again_they_are_equal(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_figure(tmp_path / "new" / name, CHART)
    one, two = (
        [(tmp_path / "new" / f"{name}.{kind}").read_bytes() for kind in ("svg", "png")] for name in ("one", "two")
    )
    assert one == two and one[0].decode() == render_svg(CHART)
    width, height = struct.unpack(">II", one[1][16:24])
    assert 200 < width < 300 and 100 < height < 300
