"""The command says what the study's record says, also that it cannot tell."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.planted import planted_grid
from m2m.commands.recommend import main
from m2m.grid.collection import grid_table
from m2m.runtime.records import write_json
from m2m.study.analysis.study import build_study
from m2m.study.cells.cells import STRATEGIES
from tests.planted import NO_SCORES, judged


def record(tmp_path: Path, slopes: dict[str, float]) -> Path:
    write_json(tmp_path / "study.json", build_study(planted_grid(slopes), NO_SCORES, seed=1, resamples=100))
    return tmp_path / "study.json"


def test_a_planted_study_without_effect_gets_the_answer_that_it_cannot_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(record(tmp_path, dict.fromkeys(STRATEGIES, 0.0)), outcome="bpb_reduction")
    said = capsys.readouterr().out
    assert "cannot tell any subset from random: take random" in said
    assert "take response" not in said and "take instruction" not in said


def test_unasked_it_goes_by_the_studys_main_outcome(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid = planted_grid(dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.1})
    write_json(
        tmp_path / "study.json", build_study(grid_table(judged(grid).to_dicts()), NO_SCORES, seed=1, resamples=100)
    )
    main(tmp_path / "study.json")
    assert "take response-micro at degree 6: +0." in capsys.readouterr().out


def test_a_planted_effect_is_recommended_with_its_gain_over_random(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(record(tmp_path, dict.fromkeys(STRATEGIES, 0.0) | {"response-micro": 0.1}), outcome="likelihood_win_rate")
    said = capsys.readouterr().out
    assert "take response-micro at degree 6: +0." in said and "of the prompts won over random (95 %" in said


@pytest.mark.parametrize(("pool", "told"), [("1", ""), ("2", "In this workspace (dvc.lock) something else is: pool.")])
def test_a_study_of_another_pool_is_called_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, pool: str, told: str
) -> None:
    grid = planted_grid(dict.fromkeys(STRATEGIES, 0.0))
    write_json(tmp_path / "study.json", build_study(grid, NO_SCORES, seed=1, resamples=100) | {"provenance": "p"})
    write_json(tmp_path / "made.json", {"p": {"data": {"data/pairs.parquet": "1"}, "settings": {}}})
    outs = [{"path": "data/pairs.parquet", "md5": pool}]
    write_json(tmp_path / "dvc.lock", {"schema": "2.0", "stages": {"respond": {"cmd": "respond", "outs": outs}}})
    monkeypatch.chdir(tmp_path)
    main(Path("study.json"))
    said = capsys.readouterr().out
    assert told in said and ("elsewhere" in said) == bool(told)
    assert "\nThis goes by bpb_reduction; --outcome takes likelihood_win_rate" in said


def test_without_a_study_it_ends_with_one_sentence(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "m2m.commands.recommend", str(tmp_path / "study.json")],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ") and len(ended.stderr.splitlines()) == 1


def test_a_file_that_is_no_study_is_refused_with_the_remedy(tmp_path: Path) -> None:
    write_json(tmp_path / "cell.json", {"bpb_reduction": 0.1})
    with pytest.raises(ValueError, match=r"cell\.json is no study's record: give a study\.json"):
        main(tmp_path / "cell.json")
