"""domains: the command reads a study's folder, groups its prompts, and writes a row a domain and a source."""

import json
from pathlib import Path

import pytest

from m2m.commands import domains
from m2m.runtime.artifacts import write_json, write_table
from m2m.schemas.domains import Domains
from m2m.schemas.grid import Grid
from m2m.schemas.scores import Scores
from m2m.study.study_file import hash_grid
from tests.study.domains.test_target import TARGET, plant_target
from tests.study.domains.test_transfer import plant_domains

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The study's folder, below the current one, whose settings have few resamples."""
    monkeypatch.chdir(tmp_path)
    settings = (ROOT / "params.yaml").read_text().replace("resamples: 10000", "resamples: 300")
    Path("params.yaml").write_text(settings)
    return tmp_path / "study"


def test_domains_and_sources_are_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import polars as pl

    grid, scores, labels = plant_domains()
    write_table(folder / "grid.csv", Grid, grid)
    grouped = scores.with_columns(group=pl.col("id").replace_strict(labels)).sort("experiment", "outcome", "id")
    write_table(folder / "scores.parquet", Scores, grouped.select(*Scores.to_schema().columns))
    write_json(folder / "made.json", {"one": {"grid": {"rows": grid.height, "sha256": hash_grid(folder / "grid.csv")}}})
    domains.main(Path("study"))
    printed = capsys.readouterr().out
    assert printed.startswith("domains: study\nWhat is worst on the other domains is worse than random on 2")
    table = pl.DataFrame({"id": list(labels), "source": list(labels.values()), "domain": "all"}).with_columns(
        domain=pl.when(pl.col("source") == "c").then(pl.lit("far")).otherwise(pl.lit("near"))
    )
    write_table(folder / "domains.csv", Domains, table)
    domains.main(Path("study"))
    record = json.loads((folder / "domains.json").read_text())
    assert {level: [row["domain"] for row in rows] for level, rows in record.items()} == {
        "domains": ["far", "near"],
        "sources": ["a", "b", "c"],
    }


def test_a_target_is_compared_with_all_other_prompts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grid, scores = plant_target()
    write_table(folder / "grid.csv", Grid, grid)
    write_table(folder / "scores.parquet", Scores, scores.select(*Scores.to_schema().columns))
    write_json(folder / "made.json", {"one": {"grid": {"rows": grid.height, "sha256": hash_grid(folder / "grid.csv")}}})
    domains.main(Path("study"), target=TARGET)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"On the 20 prompts of {TARGET}, 5 of 6 selectors beat random rows, and 1 lose to them."
    assert lines[-1] == "written: study/target.json, study/target.svg and .png"
    record = json.loads((folder / "target.json").read_text())
    assert record["near"][0]["prefilter"] == "bm25" and len(record["here"]["selectors"]) == 6
    assert "bm25 20 %" in (folder / "target.svg").read_text()


def test_the_committed_domains_name_every_prompt_of_the_development_study() -> None:
    import polars as pl

    folder = ROOT / "metrics/development"
    table = pl.read_csv(folder / "domains.csv")
    assert set(table["id"]) == set(pl.read_parquet(folder / "scores.parquet")["id"])
    record = json.loads((folder / "domains.json").read_text())
    assert {row["domain"]: row["prompts"] for row in record["domains"]} == dict(
        table["domain"].value_counts().iter_rows()
    )
    assert table["source"].n_unique() == len(record["sources"]) == 21
