"""The summary of a subset is checked on both ways."""

import json
from pathlib import Path
from typing import Any

import pytest

from m2m.runtime.artifacts import read_record, write_record
from m2m.schemas.subset_summary import SubsetSummary
from tests.subset_summary import SUMMARY


def test_a_summary_comes_back_as_it_was_written(tmp_path: Path) -> None:
    write_record(tmp_path / "a.json", SubsetSummary, SUMMARY)
    assert read_record(tmp_path / "a.json", SubsetSummary).model_dump(exclude_unset=True) == SUMMARY


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"degree": 7}, "degree"),
        ({"budget": "characters"}, "budget"),
        ({"k_by_degree": [1]}, "k_by_degree"),
        ({"k_evenness": 1.1}, "k_evenness"),
        ({"rows": "10"}, "rows"),
        ({"evenness": 1.0}, "evenness"),
    ],
)
def test_a_broken_summary_names_file_and_field(tmp_path: Path, change: Any, field: str) -> None:
    (tmp_path / "candidate.json").write_text(json.dumps(SUMMARY | change))
    with pytest.raises(ValueError, match=rf"candidate\.json is not a valid SubsetSummary record: {field}:"):
        read_record(tmp_path / "candidate.json", SubsetSummary)
