"""The command prints the answer first, the table, the command that makes the rows, and last what is worse."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.planted import planted_grid
from m2m.commands.recommend import main
from m2m.grid import dvc_experiments
from m2m.grid.collection import build_grid_table
from m2m.runtime.artifacts import write_json
from m2m.strategies import UNIT_STRATEGIES
from m2m.study.analysis.study import build_study
from m2m.study.study_file import write_study
from tests.planted import NO_SCORES, judged
from tests.study.study_rows import gain, make_study

EFFECT = dict.fromkeys(UNIT_STRATEGIES, 0.0) | {"response-micro": 0.1}


def plant_study(folder: Path, slopes: dict[str, float]) -> Path:
    write_study(folder / "study.json", build_study(planted_grid(slopes), NO_SCORES, seed=1, resamples=100))
    return folder / "study.json"


def test_the_worse_ones_stand_after_the_command_and_not_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [gain(0.1), gain(-0.1, degree=0)]
    write_study(tmp_path / "study.json", make_study(against_random=rows, outcomes=["bpb_reduction", "x_win_rate"]))
    main(tmp_path / "study.json")
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'study.json'}: 34 cells of provenance one. Outcome: bpb_reduction.",
        "",
        "500 rows.",
        "Take response-micro at degree 6: +0.100 bpb over random (95 % CI 0.080 to 0.130; 2 compared).",
        "Holm p 0.001, from 2 seeds against 8 of random.",
        "Its responses have 90 tokens on average, random's 80.",
        "",
        "  configuration               gain bpb  95 % CI           response tokens  cost  seeds  shared rows",
        "  random                                                  80               1.00  8",
        "  response-micro at degree 6  +0.100    0.080 to 0.130    90               1.12  2      at least 7 %",
        "  response-micro at degree 0  −0.100    −0.120 to −0.070  90               1.12  2      at least 7 %",
        "",
        "To make the recommended rows, without training, and to export them (--rows OUT does both):",
        "  dvc exp run band@instruction band@response subset@candidate -S subset.strategy=response-micro "
        "-S subset.degree=6 -S subset.size=500 -S subset.budget=rows -S subset.min_tokens=0 "
        "-S subset.max_tokens=100000 -S subset.weights=uniform -S subset.slack=1.5 -S subset.lengths=free "
        "-S subset.peel_noise=0.0",
        "  python -m m2m export OUT",
        "",
        "Significantly worse than random (Holm), 1:",
        "  response-micro at degree 0  −0.100",
        "",
        "Other outcomes (--outcome): x_win_rate.",
    ]


def test_by_default_it_goes_by_the_studys_main_outcome(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = build_grid_table(judged(planted_grid(EFFECT)).to_dicts())
    study = build_study(cells, NO_SCORES, seed=1, resamples=100, primary_outcome="alpaca_eval_win_rate")
    write_study(tmp_path / "study.json", study)
    main(tmp_path / "study.json")
    printed = capsys.readouterr().out
    assert "Outcome: alpaca_eval_win_rate." in printed and "Other outcomes" not in printed
    assert "Take response-micro at degree 6: +0." in printed


def test_another_outcome_of_the_study_can_be_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(plant_study(tmp_path, EFFECT), outcome="likelihood_win_rate")
    printed = capsys.readouterr().out
    assert "Outcome: likelihood_win_rate." in printed and " in win rate over random (95 % CI 0." in printed


@pytest.mark.parametrize(
    ("pool", "words"), [("1", ""), ("2", "is not of this workspace: a grid would have another pool.")]
)
def test_a_study_of_another_pool_is_called_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, pool: str, words: str
) -> None:
    write_study(tmp_path / "study.json", make_study(provenance="p", against_random=[gain(0.1)]))
    write_json(tmp_path / "made.json", {"p": {"data": {"data/pairs.parquet": "1"}, "settings": {}}})
    (tmp_path / "dvc.yaml").touch()
    lock = {"respond": {"cmd": "respond", "params": {}, "deps": {}, "outs": {"data/pairs.parquet": pool}}}
    monkeypatch.setattr(dvc_experiments, "predict_lock", lambda: lock)
    monkeypatch.chdir(tmp_path)
    main(Path("study.json"))
    printed = capsys.readouterr().out
    assert words in printed and ("this workspace" in printed) == bool(words)


def test_ones_own_study_comes_before_the_bundled_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path / "metrics/study.json", make_study(against_random=[gain(0.1)]))
    main()
    assert capsys.readouterr().out.startswith("metrics/study.json: 34 cells")
    write_study(tmp_path / "metrics/own/study.json", make_study(against_random=[gain(0.1)]))
    main()
    assert capsys.readouterr().out.startswith("metrics/own/study.json: 34 cells")


def test_the_decision_is_written_with_its_tables_as_blocks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_study(tmp_path / "study.json", make_study(against_random=[gain(0.02, 0.3), gain(-0.1, degree=0)]))
    main(tmp_path / "study.json", write=tmp_path / "DECISION.md")
    printed = capsys.readouterr().out.splitlines()
    text = (tmp_path / "DECISION.md").read_text().splitlines()
    assert text[0] == "# Decision" and text.count("```text") == text.count("```") == 5
    words = [line for line in text[2:] if line and not line.startswith("```")]
    assert words == [line.removeprefix("  ") for line in printed if line]
    assert "    keep: [1]" in text and "Take random: nothing beats it" in " ".join(text)


def test_one_command_makes_the_rows_and_exports_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def run(words: list[str], check: bool) -> subprocess.CompletedProcess[str]:
        calls.append(words[:5])
        return subprocess.CompletedProcess(words, status)

    status = 0
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr("m2m.export.exported_run.open_run", lambda _: "workspace")

    def write_subset(run: str, out: Path, *_: object) -> list[Path]:
        calls.append((run, out))
        return [out]

    monkeypatch.setattr("m2m.export.subset_files.write_subset", write_subset)
    write_study(tmp_path / "study.json", make_study(against_random=[gain(0.1)]))
    main(tmp_path / "study.json", rows=tmp_path / "out")
    assert calls == [[sys.executable, "-m", "dvc", "exp", "run"], ("workspace", tmp_path / "out")]
    assert capsys.readouterr().out.endswith(f"written: {tmp_path / 'out'}\n")
    status = 1
    with pytest.raises(ValueError, match="DVC could not make the recommended rows; its output above gives the reason"):
        main(tmp_path / "study.json", rows=tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"out .*Choose a new or empty folder with --rows"):
        main(tmp_path / "study.json", rows=tmp_path / "out")
    assert len(calls) == 3  # refused before DVC ran
    write_study(tmp_path / "study.json", make_study())
    with pytest.raises(ValueError, match="500 rows: nothing is recommended, so there are no rows to make"):
        main(tmp_path / "study.json", rows=tmp_path / "out")


def test_without_a_study_it_ends_with_one_sentence(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "m2m", "recommend", str(tmp_path / "study.json")],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: ") and len(ended.stderr.splitlines()) == 1


def test_a_file_that_is_no_study_is_refused_with_its_name_and_the_key(tmp_path: Path) -> None:
    write_json(tmp_path / "cell.json", {"bpb_reduction": 0.1})
    with pytest.raises(ValueError, match=r"cell\.json is not a valid study: cells: Field required"):
        main(tmp_path / "cell.json")
