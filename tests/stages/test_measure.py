"""The stage on a pool of four rows: whose figures its files are; and the two files of AlpacaEval's length control."""

import json
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest

from m2m.runtime.artifacts import read_json, write_json, write_record, write_table
from m2m.schemas.answers import Answers
from m2m.schemas.bands import Bands
from m2m.schemas.cell import MADE_WITH
from m2m.schemas.loss import LossCurve
from m2m.schemas.overlaps import Overlaps
from m2m.schemas.pairs import Pairs
from m2m.schemas.prompts import Prompts
from m2m.schemas.subset import Subset
from m2m.schemas.subset_summary import SubsetSummary
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.schemas.vectors import Vectors
from m2m.schemas.verdicts import Verdicts
from m2m.strategies import SIDES, UNIT_STRATEGIES
from m2m.training.trainer.journal import Journal
from m2m.training.trainer.outcome import hash_curve
from stages.measure import _describe_reduction, _read_published, main
from tests.subset_summary import SUMMARY

ROWS = ["0,concise,0.25,1.5,-0.5,False", "1,concise,0.5,0.0,0.75,False", "0,verbose,0.9,-2.0,-0.5,False"]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Any, Any]:
    head = "index,model,preference,std_delta_len,instruction_difficulty,not_gamed_baseline"
    (tmp_path / "gamed.csv").write_text("\n".join([head, *ROWS]) + "\n")
    (tmp_path / "set.json").write_text(json.dumps([{"instruction": "First?"}, {"instruction": "Second?"}]))
    return str(tmp_path / "gamed.csv"), str(tmp_path / "set.json")


def test_difficulty_goes_by_the_order_of_the_evaluation_set(files: tuple[Any, Any]) -> None:
    known = _read_published(*files)
    assert known.difficulty == {"First?": -0.5, "Second?": 0.75}
    assert known.gamed.preferences.tolist() == [0.25, 0.5, 0.9]
    assert known.gamed.lengths.tolist() == [1.5, 0.0, -2.0]
    assert known.gamed.difficulty.tolist() == [-0.5, 0.75, -0.5]


def test_neither_file_is_the_minimal_form_and_one_alone_is_refused(files: tuple[Any, Any]) -> None:
    assert _read_published(None, None) is None
    for one in ((files[0], None), (None, files[1])):
        with pytest.raises(ValueError, match=r"measure\.gamed and measure\.alpaca_eval go together"):
            _read_published(*one)


def test_files_that_are_something_else_are_named(files: tuple[Any, Any], tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match=r"must name AlpacaEval's evaluation set, got .*other\.json"):
        _read_published(files[0], str(tmp_path / "other.json"))
    (tmp_path / "bad.csv").write_text("index,preference,std_delta_len,instruction_difficulty\n0,1.5,0.0,0.0\n")
    with pytest.raises(ValueError, match=r"bad\.csv is not a valid GamedAnnotations table: preference"):
        _read_published(str(tmp_path / "bad.csv"), files[1])


def test_a_cell_whose_prompts_have_no_references_has_no_describe_reduction_to_print() -> None:
    assert _describe_reduction({"arena_hard_win_rate": 0.5}) == ""


IDS = ["a", "b", "c", "d"]
CURVE = [(1, 2.0 / 3.0, 1e-4), (5, 0.1 + 0.2, 2e-7)]  # numbers that a file must give back to the last digit


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


INPUTS = ("prompts.parquet", "verdicts.parquet", "answers", "subsets", "trainings", "pairs.parquet", "tokenizer")
INPUTS += ("tokens", "bands", "vectors", "units", "overlaps.parquet", "gradients.parquet", "losses.csv")  # type: ignore[assignment]


def write_tables(folder: Path, tables: dict[str, tuple[type[pa.DataFrameModel], dict[str, Any]]]) -> None:
    for name, (model, columns) in tables.items():
        types = {column: kind.dtype.type for column, kind in model.to_schema().columns.items()}
        table = pl.DataFrame(columns).select(pl.col(column).cast(kind) for column, kind in types.items())
        write_table(folder / f"{name}.parquet", model, table)


def write_toy_cell(folder: Path, **summary: Any) -> None:
    """Rows a and b were chosen; a and c share text with a prompt. The candidate saves a bit a byte."""
    absent = dict.fromkeys(("baseline", "baseline_answer"))
    prompts = {
        "id": ["p", "q"],
        "benchmark": "own",
        "group": "own",
        "instruction": "Why?",
        "reference": ["So.", "Thus."],
        **absent,
    }
    raw = json.dumps({"candidate": 1.0, "opponent": 2.0, "better": "lower"})
    games = {"id": ["p", "q"], "benchmark": "own", "opponent": "opponent", "engine": "likelihood", "order": 0}
    said = {"id": ["p", "q"], "answer": "So.", "tokens": 2, "truncated": False, "bytes": 10}
    texts = {"instruction": ["one two", "three", "four", "five"], "response": ["six", "seven", "eight", "nine"]}
    shared = {"id": ["a", "c"], "prompt": "p", "field": "response", "kind": "exact", "grams": 0, "text": "six"}
    tables: dict[str, tuple[type[pa.DataFrameModel], dict[str, Any]]] = {
        "prompts": (Prompts, prompts),
        "verdicts": (Verdicts, games | {"repeat": 0, "raw": raw}),
        "pairs": (Pairs, {"id": IDS, "source": "s", **texts, "original": None}),
        "overlaps": (Overlaps, shared),
        "gradients": (Vectors, {"id": [], "vector": []}),
    }
    for arm, bits in {"base": 30.0, "opponent": 20.0, "candidate": 10.0}.items():
        tables[f"answers/{arm}"] = (Answers, said | {"bits": bits})
    for side in SIDES:
        tables[f"tokens/{side}"] = (Tokens, {"id": IDS, "tokens": [[1, 2], [3], [4], [5]]})
        tables[f"bands/{side}"] = (Bands, {"token": ["one", "six"], "text": ["one", "six"], "count": 9, "band": "mid"})
        tables[f"vectors/{side}"] = (Vectors, {"id": IDS, "vector": [[1, 0], [0, 1], [1, 0], [0, 1]]})
    for strategy in UNIT_STRATEGIES:
        tables[f"units/{strategy}"] = (Units, {"id": IDS, "unit": ["x", "y", "x", "z"]})
    tables["subsets/candidate"] = (Subset, {"id": ["a", "b"], "unit": ["x", "y"], "turn": [0, 1]})
    write_tables(folder, tables)
    write_table(folder / "losses.csv", LossCurve, pl.DataFrame(CURVE, ["step", "loss", "learning_rate"], orient="row"))
    for arm in ("candidate", "opponent"):
        write_record(folder / f"subsets/{arm}.json", SubsetSummary, SUMMARY | summary)
        write_json(folder / f"trainings/{arm}.json", {"trained_tokens": 5, "lost_tokens": 0})


MEASURE: dict[str, Any] = {"seed": 1, "resamples": 100, "unit_tokenizer": "words", "gamed": None, "alpaca_eval": None}


def measure(folder: Path, **summary: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    write_toy_cell(folder, **summary)
    outs = (folder / "cell.json", folder / "cell_details.json")
    main(*(folder / name for name in INPUTS), *outs, **MEASURE)  # type: ignore[arg-type, call-arg]
    return read_json(outs[0]), read_json(outs[1])


def test_a_cell_s_metrics_begin_with_the_settings_that_made_them(tmp_path: Path) -> None:
    cell, details = measure(tmp_path, degree=2, seed=7)
    assert tuple(cell)[: len(MADE_WITH)] == MADE_WITH
    assert {name: cell[name] for name in MADE_WITH} == {name: SUMMARY[name] for name in MADE_WITH} | {
        "degree": 2,
        "seed": 7,
    }
    assert cell["bpb_reduction"] == 1.0
    assert not set(MADE_WITH) & set(details)


def test_a_cell_counts_the_rows_that_share_text_with_a_prompt_and_those_left_out(tmp_path: Path) -> None:
    _, details = measure(tmp_path)
    assert (details["overlapping_rows"], details["overlapping_pool_rows"]) == (1, 2)
    assert "overlapping_rows_dropped" not in details
    _, details = measure(tmp_path, overlap="drop", overlapping_rows_dropped=2)
    assert details["overlapping_rows_dropped"] == 2


def test_novelty_is_of_the_subset_among_the_pool_and_gradients_count_where_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows a and b are at right angles; the pool holds each twice, so the three other rows are 2/3 away in the mean."""
    _, details = measure(tmp_path)
    assert details["response_novel_sum"] == details["instruction_novel_sum"] == pytest.approx(1.5**0.5, abs=1e-6)
    assert "response_g_vendi" not in details
    write_tables(tmp_path, {"gradients": (Vectors, {"id": IDS, "vector": [[1, 0], [0, 1], [1, 0], [1, 0]]})})
    monkeypatch.setattr("stages.measure.GRADIENT_SLICE", 1)
    paths = [*(tmp_path / name for name in INPUTS), tmp_path / "cell.json", tmp_path / "cell_details.json"]
    main(*paths, **MEASURE)
    assert read_json(tmp_path / "cell_details.json")["response_g_vendi"] == pytest.approx(2)
    write_tables(tmp_path, {"gradients": (Vectors, {"id": IDS[1:], "vector": [[1, 0]] * 3})})
    with pytest.raises(
        ValueError, match=r"gradients.parquet must hold every row of the pool, 1 of the subset's are mi"
    ):
        main(*paths, **MEASURE)


def test_a_cell_s_numbers_wait_for_the_mlflow_run_of_its_training_without_loading_mlflow(tmp_path: Path) -> None:
    cell, _ = measure(tmp_path)
    [line] = Journal(tmp_path / f".cache/runs/outcome-{hash_curve(CURVE)}.jsonl").read()
    assert line["figures"] == {name: value for name, value in cell.items() if not isinstance(value, str)}
    assert {"bpb_reduction", "likelihood_win_rate", "mean_response_tokens", "response_token_entropy"} <= set(
        line["figures"]
    )


def test_a_folder_that_takes_no_record_loses_no_metrics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".cache").write_text("a file in the folder's place")
    cell, _ = measure(tmp_path)
    assert cell["bpb_reduction"] == 1.0
    assert "the outcome of this cell cannot be recorded for MLflow" in capsys.readouterr().err
