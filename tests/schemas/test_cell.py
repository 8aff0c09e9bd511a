"""The metrics of a cell: at most thirty are compared, in reading order; both files are checked."""

import json
from pathlib import Path
from typing import Any

import pytest

from m2m.runtime.artifacts import read_record, write_record
from m2m.schemas.cell import MADE_WITH, CellDetails, CellMetrics

COMMITTED = Path("metrics/cell.json"), Path("metrics/cell_details.json")


@pytest.fixture
def metrics() -> Any:
    return json.loads(COMMITTED[0].read_text())


def test_the_committed_cell_is_valid() -> None:
    assert read_record(COMMITTED[0], CellMetrics).k <= read_record(COMMITTED[1], CellDetails).model_extra["k_max"]


def test_thirty_metrics_at_most_are_compared_outcomes_first_then_length_tokens_units_and_diversity() -> None:
    names = list(CellMetrics.model_fields)[len(MADE_WITH) :]
    assert tuple(CellMetrics.model_fields)[: len(MADE_WITH)] == MADE_WITH
    assert len(names) <= 30
    assert names[:3] == ["bpb_reduction", "likelihood_win_rate", "similarity_win_rate"]
    order = ["bpb_reduction", "mean_response_tokens", "trained_tokens", "k", "response_ngram_ratio"]
    assert [names.index(name) for name in order] == sorted(names.index(name) for name in order)


def test_a_record_is_written_in_reading_order_without_what_is_absent(tmp_path: Path, metrics: Any) -> None:
    del metrics["bpb_reduction"]
    write_record(tmp_path / "cell.json", CellMetrics, dict(sorted(metrics.items(), reverse=True)))
    written = json.loads((tmp_path / "cell.json").read_text())
    assert list(written) == [name for name in CellMetrics.model_fields if name in metrics]
    assert written == metrics


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"k_evenness": 1.5}, r"k_evenness: Input should be less than or equal to 1 \(1\.5\)"),
        ({"rows": 0}, "rows: Input should be greater than or equal to 1"),
        ({"rows": 2.5}, "rows: Input should be a valid integer"),
        ({"bpb_reduction": float("nan")}, "bpb_reduction: Input should be a finite number"),
        ({"performance": 0.1}, "performance: Extra inputs are not permitted"),
    ],
)
def test_a_broken_metric_is_named_with_its_file(tmp_path: Path, metrics: Any, change: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rf"cell\.json is not a valid CellMetrics record: .*{rule}"):
        write_record(tmp_path / "cell.json", CellMetrics, metrics | change)
    assert not (tmp_path / "cell.json").exists()


def test_a_missing_metric_is_found_on_reading(tmp_path: Path, metrics: Any) -> None:
    (tmp_path / "cell.json").write_text(json.dumps({name: metrics[name] for name in metrics if name != "k"}))
    with pytest.raises(ValueError, match=r"cell\.json is not a valid CellMetrics record: k: Field required"):
        read_record(tmp_path / "cell.json", CellMetrics)


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        ({"response_micro_coverage": 1.2}, r"response_micro_coverage must be a share in 0\.\.1, got 1\.2"),
        ({"similarity_win_rate_prompts_only_low": -0.1}, r"must be a share in 0\.\.1, got -0\.1"),
        ({"k": 3}, "k belongs to the metrics that are compared"),
        ({"note": "words"}, "note"),
    ],
)
def test_details_are_numbers_and_shares_are_shares(tmp_path: Path, record: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        write_record(tmp_path / "cell_details.json", CellDetails, record)


def test_counts_in_the_details_stay_whole_numbers(tmp_path: Path) -> None:
    record = {"likelihood_win_rate_missing": 7, "response_macro_evenness": 0.5, "k_max": 3}
    write_record(tmp_path / "cell_details.json", CellDetails, record)
    assert json.loads((tmp_path / "cell_details.json").read_text()) == record
    assert '"k_max": 3' in (tmp_path / "cell_details.json").read_text()
