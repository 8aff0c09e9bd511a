"""The folder of a study, from experiments whose files are, or are not, in DVC's cache."""

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.planted import planted_grid
from m2m.commands import collect
from m2m.grid import study_folder
from m2m.grid.dvc_experiments import Experiment
from m2m.grid.provenance import (
    CELL_STAGES,
    OPPONENT_STAGES,
    add_hardware,
    describe_changes,
    hash_locked_cell,
    hash_provenance,
)
from m2m.runtime.artifacts import read_json, read_table, write_table
from m2m.schemas.answers import Answers
from m2m.schemas.examples import Examples
from m2m.schemas.grid import Grid
from m2m.schemas.histogram import Histogram
from m2m.schemas.prompts import Prompts
from m2m.schemas.scores import Scores
from m2m.schemas.verdicts import Verdicts
from m2m.study.cells.cells import SETTING
from m2m.study.report.origin import describe_origin
from m2m.study.study_file import read_study
from stages.analyze import main as analyze
from tests.planted import HISTOGRAM, NOTHING_REGISTERED

SETTINGS = ("strategy", "match", "degree", "size", "seed", "slack", "weights", "budget", "min_tokens", "max_tokens")
NOT_MEASURED = {*SETTINGS, *SETTING, "experiment", "revision", "provenance"}


def experiment(row: dict[str, Any], answers: str) -> Experiment:
    lock: dict[str, Any] = {
        name: {"cmd": name, "params": {}, "deps": {f"stages/{name}.py": "c"}, "outs": {}}
        for name in (*CELL_STAGES, *OPPONENT_STAGES)
    }
    lock["subset@candidate"]["params"] = {"subset": {name: row[name] for name in SETTINGS}}
    lock["judge"]["deps"]["data/prompts.parquet"] = "prompts"
    lock["judge"]["outs"]["data/verdicts.parquet"] = "verdicts"
    for arm, known in (("candidate", answers), ("opponent", "theirs")):
        lock[f"generate@{arm}"]["outs"][f"data/answers/{arm}.parquet"] = known
        lock["judge"]["deps"][f"data/answers/{arm}.parquet"] = known
    for side in ("instruction", "response"):
        lock[f"band@{side}"] = {
            "cmd": f"band {side}",
            "params": {},
            "deps": {},
            "outs": {f"data/histograms/{side}.csv": f"{side}.csv"},
        }
    metrics = {name: value for name, value in row.items() if name not in NOT_MEASURED}
    day = f"2026-11-{24 + row['degree']}"
    return Experiment(row["experiment"], "0123456789abcdef", lock, metrics, day=day)


def answered(bits: float) -> pl.DataFrame:
    said = {"id": ["a", "b"], "answer": ["one", "two"], "tokens": [1, 1], "truncated": [False, False]}
    return pl.DataFrame(
        said | {"bits": [bits, None], "bytes": [8, None]}, schema_overrides={"tokens": pl.Int32, "bytes": pl.Int32}
    )


def liked(raw: str | None) -> pl.DataFrame:
    """AlpacaEval's verdict on each prompt."""
    game = {"benchmark": "x", "opponent": "opponent", "engine": "alpaca-eval", "order": 0, "repeat": 0, "raw": raw}
    types = {"order": pl.Int8, "repeat": pl.Int16, "raw": pl.String}
    return pl.DataFrame([{"id": one} | game for one in "ab"], schema_overrides=types)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three cells, the last one's answers not there; and a cache of the rest."""
    rows = planted_grid({"response-micro": 0.0}, degrees=(0, 3), seeds=1, random=1).rows(named=True)
    held = [experiment(row, known) for row, known in zip(rows, ("ours", "ours", "gone"), strict=True)]
    monkeypatch.setattr(study_folder, "read_experiments", lambda: held)
    monkeypatch.setattr(study_folder, "predict_lock", lambda: held[0].lock)
    monkeypatch.setattr(study_folder, "locate_cached_file", lambda known: tmp_path / "cache" / known)
    prompts = {"id": ["a", "b"], "benchmark": ["x", "x"], "instruction": ["A?", "B?"], "reference": ["an a", None]}
    nobody = {"baseline": [None, None], "baseline_answer": [None, None]}
    schema = dict.fromkeys(prompts | nobody, pl.String)
    write_table(tmp_path / "cache" / "prompts", Prompts, pl.DataFrame(prompts | nobody, schema=schema))
    write_table(tmp_path / "cache" / "ours", Answers, answered(5.0))
    write_table(tmp_path / "cache" / "theirs", Answers, answered(7.5))
    write_table(tmp_path / "cache" / "verdicts", Verdicts, liked(None))
    for side in ("instruction", "response"):
        write_table(tmp_path / "cache" / f"{side}.csv", Histogram, pl.DataFrame(HISTOGRAM))
    return tmp_path / "cache"


def test_a_study_folder_holds_all_that_a_study_is_made_from(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect.main(folder=tmp_path / "study", examples=1)
    study = tmp_path / "study"
    grid = read_table(study / "grid.csv", Grid)
    assert grid.height == 3
    scores = read_table(study / "scores.parquet", Scores)
    assert scores.select("outcome", "id", "score", "weight").rows() == [("bpb_reduction", "a", 2.5, 8)] * 2
    examples = read_table(study / "examples.parquet", Examples)
    assert examples.select("instruction", "reference", "answer").rows() == [("A?", "an a", "one")] * 2
    assert read_table(study / "histograms" / "response.csv", Histogram).height == 3
    made = read_json(study / "made.json")
    assert list(made) == grid["provenance"].unique().to_list()
    [told] = made.values()
    assert "passes" not in told
    assert told["code"]["stages/judge.py"] == "c" and told["commands"]["band@response"] == "band response"
    assert told["days"] == {"first": "2026-11-24", "last": "2026-11-27"}
    assert told["grid"] == {"rows": 3, "sha256": hashlib.sha256((study / "grid.csv").read_bytes()).hexdigest()}
    assert "their answers are not in DVC's cache: 1 cell;" in capsys.readouterr().out


def test_whole_numbers_of_a_cells_settings_are_floats_in_the_table(cache: Path, tmp_path: Path) -> None:
    """As with `subset.slack: 2` in params.yaml, which DVC locks so."""
    for cell in study_folder.read_experiments():
        cell.lock["subset@candidate"]["params"]["subset"] |= {"slack": 2, "peel_noise": 0, "prefilter_share": 1}
    collect.main(folder=tmp_path / "study")
    grid = read_table(tmp_path / "study/grid.csv", Grid)
    assert grid.select("slack", "peel_noise", "prefilter_share").unique().rows() == [(2.0, 0.0, 1.0)]


def test_cells_that_only_an_llm_judged_make_a_study(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server tells no likelihood: the cells lack performance, win rate and the opponent's bits."""
    for cell in study_folder.read_experiments():
        rate = cell.metrics["likelihood_win_rate"]
        for name in [name for name in cell.metrics if "likelihood_win_rate" in name or "bpb_reduction" in name]:
            del cell.metrics[name]
        del cell.metrics["opponent_bits_per_byte"]
        cell.metrics["alpaca_eval_win_rate"] = rate
    unscored = answered(5.0).with_columns(bits=pl.lit(None, pl.Float64), bytes=pl.lit(None, pl.Int32))
    for name in ("ours", "theirs"):
        write_table(cache / name, Answers, unscored)
    folder = tmp_path / "study"
    collect.main(folder=folder)
    assert "want of a likelihood or a verdict: 2 cells\n" in capsys.readouterr().out
    assert read_table(folder / "scores.parquet", Scores).is_empty()
    top = {"content": [{"top_logprobs": [{"token": "M", "logprob": -0.1}, {"token": "m", "logprob": -3.0}]}]}
    verdict = json.dumps({"message": {"content": "M"}, "logprobs": top})
    write_table(cache / "verdicts", Verdicts, liked(verdict))
    collect.main(folder=folder)
    assert set(read_table(folder / "scores.parquet", Scores)["outcome"]) == {"alpaca_eval_win_rate"}
    places = [
        folder / name
        for name in ("grid.csv", "scores.parquet", "made.json", "study.json", "correlations.csv", "items.parquet")
    ]
    analyze(
        *places,
        seed=1,
        resamples=100,
        primary_outcome="alpaca_eval_win_rate",
        primary_setting="largest",
        **NOTHING_REGISTERED,
    )
    assert read_study(folder / "study.json")["outcomes"] == ["alpaca_eval_win_rate"]


def test_the_answers_of_the_base_model_and_what_is_said_of_it_are_kept(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuned = {"base": "my model", "base_instruction_tuned": "yes: its name says chat"}
    outs = {"data/answers/base.parquet": "base"}
    answered_base = {"generate@base": {"cmd": "", "params": {}, "deps": {}, "outs": outs}}
    cells = [cell._replace(base=tuned, lock={**cell.lock, **answered_base}) for cell in study_folder.read_experiments()]
    monkeypatch.setattr(study_folder, "read_experiments", lambda: cells)
    folder = tmp_path / "study"
    collect.main(folder=folder, examples=1)
    assert set(read_table(folder / "examples.parquet", Examples)["experiment"]) == {cells[0].name, cells[1].name}
    write_table(cache / "base", Answers, answered(9.0).with_columns(answer=pl.Series(["plain", "words"])))
    collect.main(folder=folder, examples=1)
    answers = dict(read_table(folder / "examples.parquet", Examples).select("experiment", "answer").rows())
    assert answers["base model"] == "plain" and len(answers) == 3
    [shared] = read_json(folder / "made.json").values()
    assert shared["base"] == tuned


def test_no_text_is_kept_where_none_is_wanted(cache: Path, tmp_path: Path) -> None:
    collect.main(folder=tmp_path / "study", examples=0)
    assert read_table(tmp_path / "study" / "examples.parquet", Examples).is_empty()
    assert not any(text in (tmp_path / "study" / "made.json").read_text() for text in ("A?", "an a"))


def test_histograms_that_are_not_there_end_it_with_a_remedy(cache: Path, tmp_path: Path) -> None:
    (cache / "response.csv").unlink()
    with pytest.raises(ValueError, match=r"data/histograms/response.csv .* is not in DVC's cache. Run dvc exp pull"):
        collect.main(folder=tmp_path / "study")


def test_what_is_told_apart_by_provenance_is_what_was_hashed(cache: Path, tmp_path: Path) -> None:
    collect.main(folder=tmp_path / "study")
    [known] = read_json(tmp_path / "study" / "made.json")
    assert known == hash_provenance(study_folder.predict_lock())


@pytest.fixture
def older(cache: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The provenance of the first cell, which other code measured."""
    held = study_folder.read_experiments()
    held[0].lock["measure"]["deps"]["stages/measure.py"] = "older"
    monkeypatch.setattr(study_folder, "predict_lock", lambda: held[1].lock)
    return hash_provenance(held[0].lock)


def test_cells_of_other_code_are_kept_apart_and_counted(
    older: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect.main(folder=tmp_path / "study")
    counts = read_table(tmp_path / "study/grid.csv", Grid)["provenance"].value_counts().rows_by_key("provenance")
    assert counts[older] == [(1,)] and sum(count for [(count,)] in counts.values()) == 3
    assert f"counted separately, other cells: 1 of {older}" in capsys.readouterr().out


def test_the_code_of_a_provenance_is_described_once(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[str] = []

    def describe(cell: Experiment) -> dict[str, Any]:
        described.append(cell.name)
        return {}

    monkeypatch.setattr(study_folder, "_describe_code", describe)
    held = study_folder.read_experiments()
    monkeypatch.setattr(study_folder, "predict_lock", lambda: held[1].lock)
    held[0] = held[0]._replace(lock=add_hardware(held[0].lock, "EPYC"))
    monkeypatch.setattr(study_folder, "read_experiments", lambda: held)
    collect.main(folder=tmp_path / "study")
    assert len(described) == 2
    days = {name: made["days"] for name, made in read_json(tmp_path / "study/made.json").items()}
    later = sorted(cell.day for cell in held[1:])
    assert days[hash_provenance(held[1].lock)] == {"first": later[0], "last": later[-1]}
    assert days[hash_provenance(held[0].lock)] == {"first": held[0].day, "last": held[0].day}


def test_only_cells_of_the_current_code_are_there_when_asked_for(
    older: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collect.main(folder=tmp_path / "study", current=True)
    grid = read_table(tmp_path / "study/grid.csv", Grid)
    assert grid.height == 2 and older not in grid["provenance"].to_list()
    assert "left out: 1 cell of other code, data or settings" in capsys.readouterr().out


def test_where_no_cell_is_of_todays_code_it_is_said_so(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = study_folder.read_experiments()
    other = {**held[0].lock, "judge": {**held[0].lock["judge"], "params": {"judge": {"repeats": 77}}}}
    monkeypatch.setattr(study_folder, "predict_lock", lambda: other)
    with pytest.raises(ValueError, match=r"None of 3 measured experiments is of today's code.*leave out --current"):
        collect.main(folder=tmp_path / "study", current=True)


def test_cells_of_other_hardware_are_kept_apart_and_named_though_they_are_of_todays_code(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = study_folder.read_experiments()
    monkeypatch.setattr(study_folder, "predict_lock", lambda: held[1].lock)
    held[0] = held[0]._replace(lock=add_hardware(held[0].lock, "EPYC avx2"))
    monkeypatch.setattr(study_folder, "read_experiments", lambda: held)
    collect.main(folder=tmp_path / "study", current=True)
    grid = read_table(tmp_path / "study/grid.csv", Grid)
    kept = hash_provenance(held[0].lock)
    assert grid.filter(pl.col("provenance") == kept)["experiment"].to_list() == [held[0].name] and grid.height == 3
    assert "2 cells of this code, data and settings" in (printed := capsys.readouterr().out)
    assert f"counted separately, other cells: 1 of {kept} on EPYC avx2" in printed
    made = read_json(tmp_path / "study/made.json")
    assert made[kept]["hardware"] == {"kind": "EPYC avx2"} and "hardware" not in made[kept]["commands"]


def test_a_clusters_study_has_its_own_kind_of_hardware_alone_though_other_cells_are_more(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = study_folder.read_experiments()
    monkeypatch.setattr(study_folder, "predict_lock", lambda: held[1].lock)
    held[0] = held[0]._replace(lock=add_hardware(held[0].lock, "EPYC"))
    monkeypatch.setattr(study_folder, "read_experiments", lambda: held)
    lines = study_folder.write_study_folder(tmp_path / "study", fresh=[], current=True, hardware="EPYC")
    assert read_table(tmp_path / "study/grid.csv", Grid)["experiment"].to_list() == [held[0].name]
    provenance = hash_provenance(held[0].lock)
    assert lines[0].endswith(f"grid.csv: 1 cell of this code, data and settings ({provenance}) on EPYC")
    assert lines[1] == "left out: 2 cells that did not run on EPYC"


def test_the_study_of_a_grid_has_its_cells_though_the_code_has_changed_since(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = study_folder.read_experiments()[0].lock
    changed = {**lock, "judge": {**lock["judge"], "deps": lock["judge"]["deps"] | {"stages/judge.py": "edited"}}}
    monkeypatch.setattr(study_folder, "predict_lock", lambda: changed)
    with pytest.raises(ValueError, match="None of 3 measured experiments is of today's code"):
        study_folder.write_study_folder(tmp_path / "study", fresh=[], current=True)
    study_folder.write_study_folder(tmp_path / "study", fresh=[], current=True, lock=lock)
    assert read_table(tmp_path / "study/grid.csv", Grid).height == 3


def test_a_table_of_a_clusters_cells_counts_them_as_of_this_code(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = study_folder.read_experiments()
    lock = held[0].lock
    monkeypatch.setattr(study_folder, "predict_lock", lambda: lock)
    kinds = ("EPYC", "EPYC", "Xeon")
    held = [cell._replace(lock=add_hardware(cell.lock, kind)) for cell, kind in zip(held, kinds, strict=True)]
    monkeypatch.setattr(study_folder, "read_experiments", lambda: held)
    collect.main(folder=tmp_path / "study", current=True)
    epyc, xeon = (hash_provenance(held[place].lock) for place in (0, 2))
    counts = (
        f"2 cells of this code, data and settings ({epyc}) on EPYC; counted separately, other cells: 1 of {xeon} on"
    )
    assert counts in capsys.readouterr().out


@pytest.fixture
def passes(cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[Experiment]:
    """Two cells of ifd with one seed: only the settings of their pass differ, the second has today's."""
    held = study_folder.read_experiments()
    for cell, length in zip(held, (512, 1024), strict=False):
        cell.lock["subset@candidate"]["params"]["subset"].update(strategy="ifd", degree=0)
        block = {"difficulty": {"max_length": length}}
        cell.lock["difficulty"] = {"cmd": "", "params": block, "deps": {}, "outs": {}}  # type: ignore[index]
    monkeypatch.setattr(study_folder, "predict_lock", lambda: held[1].lock)
    return held


@pytest.mark.parametrize("current", [False, True])
def test_cells_of_ifd_that_differ_by_their_pass_alone_are_never_mistaken_for_each_other(
    passes: list[Experiment], current: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, other = passes
    assert hash_provenance(first.lock) == hash_provenance(second.lock)
    assert hash_locked_cell(first.lock) != hash_locked_cell(second.lock)
    collect.main(folder=tmp_path / "study", current=current)
    assert read_table(tmp_path / "study/grid.csv", Grid)["experiment"].to_list() == sorted([second.name, other.name])
    [made] = read_json(tmp_path / "study/made.json").values()
    assert made["passes"] == {"ifd": {"max_length": 1024}}
    assert describe_changes(made, second.lock) == [] and describe_changes(made, first.lock) == [
        "settings of difficulty"
    ]
    left_out = "1 cell of ifd by a pass with other settings of difficulty than today's (max_length 512, not 1024)"
    assert f"left out: {'1 cell of other code, data or settings' if current else left_out}" in capsys.readouterr().out


def test_repeats_of_a_cell_are_counted(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    held = study_folder.read_experiments()
    again = held[0]._replace(name=f"{held[0].name}-again")
    monkeypatch.setattr(study_folder, "read_experiments", lambda: [*held, again])
    collect.main(folder=tmp_path / "study")
    assert read_table(tmp_path / "study/grid.csv", Grid).height == 3
    assert "left out: 1 repeats of cells that were run more than once" in capsys.readouterr().out


def test_without_any_cell_what_is_there_stays(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collect.main(folder=tmp_path / "study")
    before = (tmp_path / "study/grid.csv").read_bytes()
    monkeypatch.setattr(study_folder, "read_experiments", list)
    with pytest.raises(ValueError, match=r"None of 0 finished experiments has all metrics\. Run `make grid`"):
        collect.main(folder=tmp_path / "study")
    assert (tmp_path / "study/grid.csv").read_bytes() == before


def test_cells_that_lack_metrics_are_told_as_such(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del study_folder.read_experiments()[2].metrics["trained_tokens"]
    collect.main(folder=tmp_path / "study")
    said = capsys.readouterr().out
    assert "left out: 1 cell whose metrics lack trained_tokens" in said and "left out: 1 cell of other" not in said


def test_the_commands_of_the_shared_stages_have_the_settings_that_they_read() -> None:
    """The report reads pool and model from them."""
    ingest = {
        "cmd": "python -m stages.ingest a.parquet @ingest",
        "params": {"ingest": {"sources": {"mine": {"kind": "files"}}}},
    }
    base = {
        "cmd": "python -m stages.base --name @base.name --layers @base.layers",
        "params": {"base.name": "my model", "base.layers": 4},
    }
    commands = {"ingest": study_folder._write_command(ingest), "base": study_folder._write_command(base)}
    assert commands["ingest"] == "python -m stages.ingest a.parquet --sources.mine.kind files"
    assert commands["base"] == "python -m stages.base --name 'my model' --layers 4"
    assert describe_origin(commands, {}) == {"Pool": "mine (files)", "Model": "my model"}
