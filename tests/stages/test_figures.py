"""The stage: every figure as SVG and PNG, equal bytes for equal tables."""

import re
from pathlib import Path

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.runtime.artifacts import write_table
from m2m.schemas.grid import Grid
from m2m.schemas.scores import Scores
from stages.analyze import main as analyze
from stages.figures import main
from tests.planted import NO_SCORES, NOTHING_REGISTERED

NAMES = {"main", "random-bpb_reduction", "lengths", "pools", "bands"}
CELLS = planted_grid({"response-micro": 0.1}).with_columns(likelihood_win_rate=pl.lit(None, pl.Float64))


def draw(folder: Path, histograms: Path, cells: pl.DataFrame) -> Path:
    write_table(folder / "grid.csv", Grid, cells)
    write_table(folder / "scores.parquet", Scores, NO_SCORES)
    analyze(
        folder / "grid.csv",
        folder / "scores.parquet",
        histograms.parent / "made.json",
        folder / "study.json",
        folder / "correlations.csv",
        folder / "items.parquet",
        seed=1,
        resamples=100,
        primary_outcome="bpb_reduction",
        primary_setting="largest",
        **NOTHING_REGISTERED,
    )
    main(folder / "study.json", folder / "grid.csv", histograms, folder / "all", folder / "main.svg")
    return folder


@pytest.fixture(scope="module")
def drawn(planted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw(tmp_path_factory.mktemp("figures"), planted / "histograms", CELLS)


def test_every_figure_is_drawn_twice_over_and_the_first_is_the_main_one(drawn: Path) -> None:
    assert {path.name for path in (drawn / "all").iterdir()} == {
        f"{name}.{kind}" for name in NAMES for kind in ("svg", "png")
    }
    large, plain = ((drawn / name).read_text() for name in ("main.svg", "all/main.svg"))
    assert large.partition("viewBox")[2] == plain.partition("viewBox")[2]
    width, white = re.match(r'<svg [^>]*?width="(\d+)".*?><rect [^>]*?fill="(#\w+)"', large).groups()
    assert 380 < int(width) < 480 and white == "#ffffff"  # of one panel: two are 900 wide; dark pages need the ground
    assert all((drawn / "all" / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in NAMES)


def test_figures_need_nothing_from_elsewhere(drawn: Path) -> None:
    for path in (drawn / "all").glob("*.svg"):
        text = path.read_text().replace("http://www.w3.org/", "")
        assert "http" not in text and "<script" not in text and "<img" not in text


def test_equal_tables_give_equal_bytes_whatever_the_order_of_the_rows(
    drawn: Path, planted: Path, tmp_path: Path
) -> None:
    draw(tmp_path, planted / "histograms", CELLS.sample(fraction=1, shuffle=True, seed=1))
    for path in (drawn / "all").iterdir():
        assert path.read_bytes() == (tmp_path / "all" / path.name).read_bytes(), path.name
