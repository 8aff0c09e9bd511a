"""`dvc plots` as DVC renders them: the project's own plots and templates, with tables whose numbers are known."""

import json
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import vl_convert
import yaml

ROOT = Path(__file__).parent.parent.parent.parent
HEAD = "experiment,strategy,degree,seed,min_tokens,max_tokens,bpb_reduction,likelihood_win_rate,mean_response_tokens,k"
TABLES = {
    "data/histograms/response.csv": "band,count,types,occurrences\nlow,1,900,900\nlow,2,300,700\nmid,10,1000,90\n"
    "mid,100,50,9000\nhigh,1053,4,8000",
    "data/clusters/response.csv": "cluster,size,share,words\n7,300,0.3,a\n-1,150,0.15,b\n"
    + "\n".join(f"{i + 10},{100 - i},0.01,c" for i in range(90)),
    "metrics/grid.csv": f"{HEAD},candidate_rows\na,response-micro,0,1,1,9,-0.2,0.25,40,9,700\n"
    "b,response-micro,0,2,1,9,-0.1,,50,11,700\nc,response-micro,6,1,1,9,0.1,0.75,100,30,6000\n"
    "d,random,0,1,1,9,,0.5,90,5,8000",
    "metrics/correlations.csv": "outcome,condition,size,metric,points,pearson_r,pearson_low,pearson_high,partial_r\n"
    "bpb_reduction,any,500,low,9,-0.5,-0.75,-0.25,\nbpb_reduction,any,500,best,9,0.5,0.25,1.0,0.75\n"
    "likelihood_win_rate,any,500,other,9,0.9,0.8,1.0,\nbpb_reduction,any,500,unknown,2,,,,",
}


class Mark(NamedTuple):
    kind: str
    text: str
    x: float
    y: float
    width: float
    height: float
    color: str


@pytest.fixture(scope="module")
def plots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Vega-Lite by the name of the plot."""
    folder = tmp_path_factory.mktemp("plots")
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "--no-scm", "--quiet"], cwd=folder, check=True)
    shutil.copytree(ROOT / ".dvc" / "plots", folder / ".dvc" / "plots", dirs_exist_ok=True)
    for path, text in TABLES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text + "\n")
    for path in ("dvc.yaml", "metrics/dvc.yaml"):
        declared = yaml.safe_load((ROOT / path).read_text())["plots"]
        (folder / path).write_text(
            yaml.safe_dump({"plots": [plot for plot in declared if has_tables(plot, Path(path))]})
        )
    run = subprocess.run([*dvc, "plots", "show", "--json"], cwd=folder, check=True, capture_output=True, text=True)
    data = json.loads(run.stdout)["data"]
    return {name.rpartition("::")[2]: json.loads(as_text(views[0]["content"])) for name, views in data.items()}


def has_tables(plot: dict[str, Any], path: Path) -> bool:
    [settings] = plot.values()
    return all((path.parent / file).as_posix() in TABLES for file in settings["y"])


def as_text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)


def list_marks(spec: dict[str, Any]) -> list[Mark]:
    """Rectangles, rules, symbols, lines and texts of the drawn chart, wherever they are."""

    def walk(node: dict[str, Any], x: float, y: float, kind: str) -> list[Mark]:
        x, y = x + node.get("x", 0), y + node.get("y", 0)
        marks = []
        if kind in ("rect", "rule", "symbol", "text", "line"):
            width, height = (
                node.get(size, node.get(end, node.get(start, 0)) - node.get(start, 0))
                for size, end, start in (("width", "x2", "x"), ("height", "y2", "y"))
            )
            colour = str(node.get("fill") or node.get("stroke"))
            marks.append(Mark(kind, str(node.get("text", "")), x, y, width, height, colour))
        for group in node.get("items", []):
            for child in [group] if "marktype" not in group else group.get("items", []):
                marks += walk(child, x, y, group.get("marktype", kind))
        return marks

    scene = vl_convert.vegalite_to_scenegraph(spec)["scenegraph"]
    return walk({"items": [scene]}, 0, 0, "group")


def test_every_plot_of_the_project_is_drawn_with_its_titles(plots: dict[str, dict[str, Any]]) -> None:
    assert set(plots) == {
        "token bands, responses",
        "cluster sizes, responses",
        "bpb reduction against degree",
        "likelihood win rate against degree",
        "response length against degree",
        "units against degree",
        "candidate pool against degree",
        "metrics against bpb reduction",
    }
    for spec in plots.values():
        text = json.dumps(spec)
        assert not re.search("<DVC_", text) and not re.search("(?i)performance", text)


def test_token_bands_stand_in_the_order_of_their_numbers_each_as_tall_as_its_types(
    plots: dict[str, dict[str, Any]],
) -> None:
    colours = {"#56B4E9": "low", "#D55E00": "mid", "#CC79A7": "high"}
    bars = sorted((m for m in list_marks(plots["token bands, responses"]) if m.color in colours), key=lambda m: m.x)
    bars = [bar for bar in bars if bar.kind == "rect"]
    assert [colours[bar.color] for bar in bars] == ["low", "low", "mid", "mid", "high"]
    for left, right in pairwise(bars):
        assert left.x + left.width == pytest.approx(right.x, abs=0.5)
    heights = [bar.height for bar in bars]
    assert sorted(range(5), key=lambda place: heights[place]) == [4, 3, 1, 0, 2]


def test_cluster_labels_do_not_overlap_and_the_largest_is_on_top(plots: dict[str, dict[str, Any]]) -> None:
    marks = list_marks(plots["cluster sizes, responses"])
    labels = sorted((mark.y, mark.text) for mark in marks if mark.kind == "text" and re.fullmatch(r"-?\d+", mark.text))
    names = {"7", "-1"} | {str(i + 10) for i in range(90)}
    rows = [(y, text) for y, text in labels if text in names and y > 5]
    assert {text for _, text in rows} >= names
    assert len({y for y, _ in rows}) >= len(names)
    gaps = [after[0] - before[0] for before, after in pairwise(rows)]
    assert min(gap for gap in gaps if gap > 0.1) >= 11
    bars = sorted((mark.y, mark.width) for mark in marks if mark.kind == "rect" and mark.color == "#0072B2")
    widths = [width for _, width in bars]
    assert len(bars) == 92 and widths == sorted(widths, reverse=True)
    assert widths[0] == pytest.approx(2 * widths[1])


def test_a_line_joins_the_means_of_each_degree(plots: dict[str, dict[str, Any]]) -> None:
    marks = list_marks(plots["bpb reduction against degree"])
    points = sorted((m.x, m.y) for m in marks if m.kind == "symbol" and m.color == "#009E73")[:3]
    line = sorted((m.x, m.y) for m in marks if m.kind == "line" and m.color == "#009E73")
    (left, first), (_, second), (right, third) = points
    assert line == [(left, pytest.approx((first + second) / 2)), (right, pytest.approx(third))]
    assert third < first < second or third < second < first  # up is more
    text = " ".join(mark.text for mark in marks)
    assert "bpb reduction" in text and "degree of diversity" in text


def test_metrics_stand_by_their_correlation_with_bpb_reduction_and_nothing_else(
    plots: dict[str, dict[str, Any]],
) -> None:
    marks = list_marks(plots["metrics against bpb reduction"])
    names = sorted((mark.y, mark.text) for mark in marks if mark.text in ("low", "best", "other", "unknown"))
    assert [text for _, text in names] == ["best", "low"]
    points = sorted((m.y, m.x) for m in marks if m.kind == "symbol" and m.color == "#0072B2")
    squares = [(m.y, m.x) for m in marks if m.kind == "symbol" and m.color == "#D55E00"]
    assert points[1][1] - points[0][1] == pytest.approx(-160) and squares == [
        (points[0][0], pytest.approx(points[0][1] + 40))
    ]
