"""The ledger: a run becomes a row, whose subset is selected again; other rows and missing inputs are noticed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from m2m.commands import ledger
from m2m.export import exported_run
from m2m.export import ledger as rows
from m2m.export.exported_run import SUBSET, ExportedRun, compute_md5
from m2m.grid.provenance import CELL_STAGES, OPPONENT_STAGES
from m2m.runtime.artifacts import write_table
from m2m.schemas.cell import MADE_WITH
from m2m.schemas.exclusions import Exclusions
from m2m.schemas.pairs import Pairs
from m2m.schemas.ratings import RowRatings
from m2m.schemas.row_origins import RowOrigins
from m2m.schemas.tokens import Tokens
from stages.subset import main as choose_subset

ROOT = Path(__file__).parents[2]
SETTINGS = yaml.safe_load((ROOT / "params.yaml").read_text())["subset"] | {"strategy": "random", "size": 4, "degree": 0}
IDS = [f"row-{number:02d}" for number in range(12)]
FIGURES = {"bpb_reduction": 0.0123, "likelihood_win_rate": 0.5, "rows": 4}


def fill(model: Any, **columns: Any) -> pl.DataFrame:
    """A table of schema `model` with these columns, the others a letter each."""
    return pl.DataFrame({name: columns.get(name, ["a"] * len(IDS)) for name in model.to_schema().columns})


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExportedRun:
    """A finished run in a folder of its own, and a cache that has its tables."""
    monkeypatch.chdir(tmp_path)
    tokens = pl.DataFrame({"id": IDS}).with_columns(pl.Series("tokens", [[1, 2]] * len(IDS), pl.List(pl.Int32)))
    for name in ("data/tokens/response", "data/choices/random", "data/choices/response-micro"):
        write_table(Path(f"{name}.parquet"), Tokens, tokens)
    write_table(Path("data/pairs.parquet"), Pairs, fill(Pairs, id=IDS))
    write_table(Path("data/exclusions/keep.parquet"), Exclusions, pl.DataFrame(schema={"id": pl.String}))
    origins = fill(RowOrigins, id=IDS, row=[1] * 12, exchange=[0] * 12, fields=["{}"] * 12)
    write_table(Path("data/row_origins.parquet"), RowOrigins, origins)
    names = ["data/choices/random", "data/choices/response-micro", "data/pairs", "data/tokens/response"]
    paths = [Path(f"{name}.parquet") for name in [*names, "data/row_origins", "data/exclusions/keep"]]
    random, match, pairs, origin_tokens, origins_file, exclusions = paths
    tables = random, match, random, pairs, origin_tokens, origins_file, exclusions, pairs, pairs
    summary = Path("data/subsets/candidate.json")
    choose_subset(*tables, Path(SUBSET), summary, **SETTINGS, overlap="keep")
    deps = {str(path): compute_md5(path) for path in paths}
    lock: Any = {name: {"cmd": "", "params": {}, "deps": {}, "outs": {}} for name in (*CELL_STAGES, *OPPONENT_STAGES)}
    lock["subset@candidate"] |= {"deps": deps | {"m2m/a.py": "0"}, "outs": {SUBSET: compute_md5(Path(SUBSET))}}
    lock["subset@candidate"]["params"] = {"subset": SETTINGS, "overlap": "keep"}
    cache = {md5: Path(path) for path, md5 in deps.items()}
    monkeypatch.setattr(rows, "locate_cached_file", lambda md5: cache.get(md5, Path("nowhere")))
    metrics = FIGURES | dict.fromkeys(MADE_WITH, 1) | {"not_compared": 1.0}
    return ExportedRun(exported_run.WORKSPACE, lock, {}, metrics, {})


@pytest.fixture
def added(finished: ExportedRun, monkeypatch: pytest.MonkeyPatch) -> Path:
    """results/mine.yaml of that run."""
    monkeypatch.setattr(exported_run, "open_run", lambda _: finished)
    ledger.main("mine")
    return Path("results/mine.yaml")


def test_a_row_has_settings_inputs_ids_and_the_compared_figures(added: Path, finished: ExportedRun) -> None:
    row = yaml.safe_load(added.read_text())
    assert row["subset"] == SETTINGS
    assert (row["name"], row["overlap"], row["rows"], row["figures"]) == ("mine", "keep", 4, FIGURES)
    assert row["ids"] == rows.hash_ids(pl.read_parquet(SUBSET)["id"])
    assert "m2m/a.py" not in row["inputs"] and len(row["inputs"]) == 6


def test_the_subset_is_selected_again(added: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger.main()
    assert capsys.readouterr().out.endswith("mine: the same 4 rows\n1 of 1 re-selected\n")


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("seed", 2, "mine: 4 other rows were re-selected"),
        ("size", 5, "mine: 5 rows were re-selected, the ledger has 4"),
    ],
)
def test_another_subset_fails(
    added: Path, key: str, value: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    row = yaml.safe_load(added.read_text())
    row["subset"][key] = value
    added.write_text(yaml.safe_dump(row))
    with pytest.raises(SystemExit, match="ledger: 1 of 1 rows differ or cannot be selected: mine"):
        ledger.main()
    assert sentence in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda row: row["subset"].update(slak=1), "its subset has an unknown setting, slak"),
        (lambda row: row["subset"].pop("seed"), "its subset lacks a value for seed"),
        (lambda row: row["subset"].pop("strategy"), "its subset lacks a value for strategy"),
        (
            lambda row: row["subset"].update(match="response-meso"),
            "its inputs must have data/choices/response-meso.parquet",
        ),
        (lambda row: row["subset"].update(quality="llm_quality"), "its inputs must have data/ratings/quality.parquet"),
        (lambda row: row["subset"].update(size=99), "size must be at most what the pool holds, 12, got 99"),
    ],
)
def test_a_row_that_cannot_be_selected_fails_and_the_others_are_checked(
    added: Path, change: Callable[[Any], Any], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    row = yaml.safe_load(added.read_text()) | {"name": "a-first"}
    change(row)
    Path("results/a-first.yaml").write_text(yaml.safe_dump(row))
    with pytest.raises(SystemExit, match="1 of 2 rows differ or cannot be selected: a-first"):
        ledger.main()
    printed = capsys.readouterr().out
    assert f"a-first: cannot be selected again: {sentence}" in printed and "mine: the same 4 rows" in printed


def test_a_subset_by_the_scores_of_an_llm_is_selected_again(
    added: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The four best rows by quality; their complexity, of which the row has no table, is not read."""
    scores = pl.DataFrame({"id": IDS, "score": [6.0 if number in (1, 4, 7, 11) else 2.0 for number in range(12)]})
    ratings = Path("data/ratings/quality.parquet")
    write_table(ratings, RowRatings, scores)
    row = yaml.safe_load(added.read_text())
    row["subset"] |= {"quality": "llm_quality", "quality_share": 0.3}
    row |= {"ids": rows.hash_ids(pl.Series([f"row-{number:02d}" for number in (1, 4, 7, 11)]))}
    row["inputs"][str(ratings)] = compute_md5(ratings)
    added.write_text(yaml.safe_dump(row))
    files = {compute_md5(path): path for path in Path("data").rglob("*.parquet")}
    monkeypatch.setattr(rows, "locate_cached_file", lambda md5: files[md5])
    ledger.main()
    assert capsys.readouterr().out.endswith("mine: the same 4 rows\n1 of 1 re-selected\n")


def test_a_name_that_is_no_file_name_is_refused_before_a_run_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported_run, "open_run", None)  # nothing is opened
    with pytest.raises(ValueError, match=r"a row's name must be letters, digits, _ and -, .* got 'a b'"):
        ledger.main("a b")


def test_a_row_without_its_inputs_is_listed_and_a_ledger_of_such_rows_fails(
    added: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = yaml.safe_load(added.read_text())
    row["inputs"]["data/pairs.parquet"] = "0" * 32
    Path("results/other.yaml").write_text(yaml.safe_dump(row | {"name": "other"}))
    ledger.main()
    printed = capsys.readouterr().out
    assert "other: not re-selected, data/pairs.parquet of this row is not in DVC's cache" in printed
    assert printed.endswith("1 of 2 re-selected\n")
    added.unlink()
    with pytest.raises(SystemExit, match="no row was checked, since DVC's cache lacks their inputs"):
        ledger.main()
    assert capsys.readouterr().out.endswith("0 of 1 re-selected\n")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: [", r"results/bad\.yaml must be YAML"),
        ("name: bad", r"results/bad\.yaml: subset: Field required"),
        ("[1]", r"results/bad\.yaml: "),
    ],
)
def test_a_broken_row_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, rule: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("results").mkdir()
    Path("results/bad.yaml").write_text(text)
    with pytest.raises(ValueError, match=rule):
        ledger.main()


def test_a_taken_name_a_run_without_metrics_and_an_empty_ledger_are_refused(
    added: Path, finished: ExportedRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=r"results/mine\.yaml exists: choose another name"):
        ledger.main("mine")
    monkeypatch.setattr(exported_run, "open_run", lambda _: finished._replace(metrics={}))
    with pytest.raises(ValueError, match="the workspace has no metrics of a cell: run dvc repro"):
        ledger.main("other")
    added.unlink()
    with pytest.raises(ValueError, match=r"results must hold rows, NAME\.yaml, it has none"):
        ledger.main()


def test_the_committed_rows_are_valid_and_each_names_its_file() -> None:
    assert [row.name for row in rows.read_rows(ROOT / "results")] != []
