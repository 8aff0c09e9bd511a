"""People's ratings: which file the answers of a named model are."""

from pathlib import Path
from typing import Any

import pytest

from m2m.commands.human import ANSWERS, locate_answers
from m2m.grid.dvc_experiments import Experiment
from m2m.grid.provenance import CELL_STAGES, OPPONENT_STAGES


@pytest.fixture(autouse=True)
def _experiment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stages = (*CELL_STAGES, *OPPONENT_STAGES)
    lock: dict[str, Any] = {name: {"deps": {}, "outs": {}, "params": {"subset": {}}} for name in stages}
    lock["generate@candidate"]["outs"] = {str(ANSWERS): "abc"}
    cell = Experiment("micro-3", "0123456789ab", lock, {})
    monkeypatch.setattr("m2m.export.exported_run.read_experiments", lambda: [cell])
    monkeypatch.setattr("m2m.export.exported_run.locate_cached_file", lambda md5: tmp_path / md5)


def test_a_file_is_itself_and_an_experiment_is_its_candidates_answers(tmp_path: Path) -> None:
    (tmp_path / "abc").touch()
    assert locate_answers(str(tmp_path / "abc")) == tmp_path / "abc"
    assert locate_answers("micro-3") == tmp_path / "abc"


def test_a_name_that_is_no_experiment_and_answers_that_are_not_here_are_told() -> None:
    with pytest.raises(ValueError, match=r"micro-2 is not a finished experiment .* Did you mean micro-3"):
        locate_answers("micro-2")
    with pytest.raises(ValueError, match=r"candidate\.parquet of micro-3 is not in DVC's cache\. Run dvc exp pull"):
        locate_answers("micro-3")


def test_a_table_that_is_missing_is_taken_for_a_file() -> None:
    assert locate_answers("no/answers.parquet") == Path("no/answers.parquet")
