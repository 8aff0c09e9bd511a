"""Saved figures: SVG with its text escaped, a PNG of twice its size, and the same in words."""

import re
import struct
from pathlib import Path

import altair as alt
import pytest
import vl_convert

from m2m.study.figures.save import list_descriptions, render_png, render_svg, write_figure, write_picture
from m2m.study.figures.style import apply_style
from tests.study.figures.charts import read_layers

CHART = (
    alt.Chart(alt.Data(values=[{"x": 1, "text": "<script>"}]), title="<img>")
    .mark_point()
    .encode(x="x:Q", description="text:N")
    .properties(width=100, height=50)
)


def read_size(svg: str) -> tuple[int, int, str]:
    width, height, view = re.match(r'<svg [^>]*?width="(\d+)" height="(\d+)" viewBox="([^"]+)"', svg).groups()
    return int(width), int(height), view


def read_png_size(data: bytes) -> tuple[int, int]:
    return struct.unpack(">II", data[16:24])


def test_text_in_a_chart_is_escaped() -> None:
    text = render_svg(CHART)
    assert text.startswith("<svg") and "&lt;script&gt;" in text and "<script" not in text and "<img" not in text


def test_a_scaled_svg_is_larger_and_shows_the_same() -> None:
    plain, large = render_svg(CHART), render_svg(CHART, 1.5)
    width, height, view = read_size(plain)
    assert read_size(large) == (round(1.5 * width), round(1.5 * height), view)
    assert plain.partition("viewBox")[2] == large.partition("viewBox")[2]


def test_both_files_are_written_and_drawn_again_they_are_equal(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_figure(tmp_path / "new" / name, CHART)
    one, two = (
        [(tmp_path / "new" / f"{name}.{kind}").read_bytes() for kind in ("svg", "png")] for name in ("one", "two")
    )
    assert one == two and one[0].decode() == render_svg(CHART)
    width, height, _ = read_size(one[0].decode())
    assert read_png_size(one[1]) == (2 * width, 2 * height)


def test_the_letters_of_a_png_are_those_of_a_package_whatever_fonts_the_machine_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[str] = []

    def draw(svg: str, scale: float) -> bytes:
        drawn.append(svg)
        return b""

    monkeypatch.setattr(vl_convert, "register_font_directory", drawn.append)
    monkeypatch.setattr(vl_convert, "svg_to_png", draw)
    svg = render_svg(apply_style(CHART))
    render_png(svg)
    folder, text = drawn
    assert Path(folder, "DejaVuSans.ttf").is_file()
    assert set(re.findall('font-family="([^"]*)"', text)) == {"DejaVu Sans"}
    sizes, smaller = (re.findall(r'font-size="([\d.]+)px"', picture) for picture in (svg, text))
    assert [float(size) for size in smaller] == [pytest.approx(0.88 * float(size), abs=0.05) for size in sizes]


def test_a_picture_is_a_png_of_twice_its_size_in_a_new_folder(tmp_path: Path) -> None:
    write_picture(tmp_path / "new" / "picture.png", CHART)
    width, height, _ = read_size(render_svg(CHART))
    size = read_png_size((tmp_path / "new" / "picture.png").read_bytes())
    assert size == (pytest.approx(2 * width, abs=2), pytest.approx(2 * height, abs=2))


def test_a_figure_in_words_has_its_title_and_each_mark_of_the_last_layer() -> None:
    assert list_descriptions(CHART) == ["<img> · <script>"]
    front = alt.Chart(alt.Data(values=[{"x": 2, "text": "front"}])).mark_point().encode(x="x:Q")
    assert list_descriptions(alt.layer(CHART, front).properties(title="both")) == ["both · front"]
    assert len(read_layers(apply_style(CHART))) == 1
