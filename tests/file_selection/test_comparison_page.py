"""The page of a macro strategy can be coloured by cluster."""

from pathlib import Path

import numpy as np
import polars as pl

from m2m.file_selection.arms import compare_arms
from m2m.file_selection.comparison_page import list_clusters, write_comparison_page
from m2m.selection.arm import ArmSettings, PoolRows
from m2m.selection.left_out import leave_out_rows

IDS = pl.Series("id", ["a", "b", "c", "d", "e", "f"])
CLUSTERS = ["1", None, "0", "1", "0", "0"]
SETTINGS = ArmSettings("response-macro", "random", 6, 2, 1, 1.0, "inverse", "rows", 0, 99, "free", 0.0)


class Tables:
    """Two clusters; row b is in none."""

    def build_units(self, strategy: str) -> pl.DataFrame:
        return pl.DataFrame({"id": IDS, "unit": CLUSTERS}).drop_nulls()

    def build_choices(self, strategy: str) -> pl.DataFrame:
        raise ValueError(strategy)


def test_each_row_has_the_name_of_its_cluster_and_a_row_outside_none(tmp_path: Path) -> None:
    pool = PoolRows(IDS, np.arange(6), np.arange(6))
    left_out = leave_out_rows(pool.flag_inside(SETTINGS), None, None, "", 1.0)
    comparison = compare_arms(pool, left_out, Tables(), SETTINGS)
    assert list_clusters(comparison).to_list() == CLUSTERS
    rows = pl.DataFrame({"id": IDS, "source": "mine", "instruction": "ask", "response": "say"})
    path = tmp_path / "page.html"
    write_comparison_page(path, rows, comparison, None, lambda u: u, lambda c: "topic " + c, None, "my.jsonl", [])
    page = path.read_text()
    assert '<option value="cluster">' in page and "topic 0" in page and "topic 1" in page


def test_a_row_below_the_best_is_left_out_with_its_reason_and_one_outside_has_none() -> None:
    inside = np.array([True, True, True, False])
    scores, overlapping = np.array([1.0, np.nan, 3.0, 9.0]), np.array([False, False, True, True])
    left_out = leave_out_rows(inside, overlapping, scores, "score", 0.5)
    assert left_out.rows.tolist() == [False, True, True, False]
    assert left_out.reasons.to_list() == [
        None,
        "is not among the best 0.5 by 'score'",
        "shares text with an evaluation prompt",
        None,
    ]
    assert left_out.summary == {
        "overlap": "drop",
        "overlapping_rows_dropped": 1,
        "quality": "score",
        "quality_share": 0.5,
        "rows_without_quality": 1,
        "rows_below_quality": 1,
    }
