"""benchmark: held-out rows, files and hub folders become prompts; what is missing is one clear error."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.data.benchmarks import sources
from m2m.data.benchmarks.sources import Benchmark
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.pool import Pool
from m2m.schemas.prompts import Prompts
from m2m.schemas.row_origins import RowOrigins
from stages.benchmark import main

UID = "0122ab60646b4961bc39e9c03bdf6bcc"
ALPACA = [
    {"instruction": f"Ask {n}?", "output": f"Answer {n}.", "generator": "gpt4_1106_preview", "dataset": "koala"}
    for n in range(5)
]
QUESTION = {"uid": UID, "category": "arena-hard-v0.1", "cluster": "Puzzles", "prompt": "Ask?"}
ANSWER = {
    "uid": UID,
    "model": "gpt-4-0314",
    "messages": [{"role": "user", "content": "Ask?"}, {"role": "assistant", "content": {"answer": "Answer."}}],
}


@pytest.fixture
def heldout(tmp_path: Path) -> Path:
    ids = [f"{number:016x}" for number in range(10)]
    columns = {
        "id": ids,
        "source": ["docs"] * 10,
        "instruction": [f"q{n}" for n in ids],
        "response": [f"a{n}" for n in ids],
    }
    write_table(tmp_path / "heldout.parquet", Pool, pl.DataFrame(columns))
    places = {"row": list(range(10)), "exchange": [0] * 10, "fields": ["{}"] * 10}
    origins = pl.DataFrame({"id": ids, "source": ["docs"] * 10, "file": ["a.jsonl"] * 10} | places)
    write_table(tmp_path / "row_origins.parquet", RowOrigins, origins)
    return tmp_path / "heldout.parquet"


def prompts(heldout: Path, **sources: Benchmark) -> pl.DataFrame:
    places = [heldout.parent / name for name in ("row_origins.parquet", "prompts.parquet", "origins.json")]
    main(heldout, *places, seed=0, sources=sources)
    return read_table(heldout.parent / "prompts.parquet", Prompts)


def test_held_out_rows_are_prompts_with_references(heldout: Path) -> None:
    found = prompts(heldout, own=Benchmark(kind="heldout"))
    assert found.select("id", "instruction", "reference").rows() == read_table(heldout, Pool).drop("source").rows()
    assert set(found["group"]) == {"docs/a.jsonl"}
    assert set(found["benchmark"]) == {"own"} and found["baseline"].null_count() == 10


def test_every_source_says_how_many_of_its_prompts_have_a_reference(
    heldout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = heldout.parent / "alpaca.json"
    path.write_text(json.dumps(ALPACA))
    for reference, count in (("own", 0), ("baseline", 5)):
        alpaca = Benchmark(kind="files", path=str(path), reference=reference)  # type: ignore[arg-type]
        table = prompts(heldout, own=Benchmark(kind="heldout", limit=4), alpaca=alpaca)
        assert table["reference"].count() == 4 + count and table["baseline_answer"].count() == 5 - count
        lines = capsys.readouterr().out.splitlines()
        assert lines == [
            "own: 4 of 4 prompts have a reference",
            f"alpaca: {count} of 5 prompts have a reference",
        ]
        assert json.loads((heldout.parent / "origins.json").read_text())["alpaca"]["references"] == count
    path.write_text(json.dumps([{"instruction": "Ask?", "output": "Answer."}]))
    with pytest.raises(ValueError, match="benchmark 'alpaca': no record has a baseline's answer"):
        prompts(heldout, alpaca=alpaca)


def test_a_limited_number_is_chosen_whatever_the_seed_of_python(heldout: Path) -> None:
    few = prompts(heldout, own=Benchmark(kind="heldout", limit=4))
    assert len(few) == 4 and few.equals(prompts(heldout, own=Benchmark(kind="heldout", limit=4)))
    assert set(few["id"]) < set(prompts(heldout, own=Benchmark(kind="heldout", limit=5))["id"])


@pytest.mark.parametrize("name", ["own.jsonl", "own.json", "own.csv", "own.parquet"])
def test_files_of_every_container_are_read(heldout: Path, name: Any) -> None:
    table, path = pl.DataFrame({"instruction": ["a", "b"], "reference": ["x", None]}), heldout.parent / name
    if name == "own.json":
        path.write_text(json.dumps(table.to_dicts()))
    else:
        {"own.jsonl": table.write_ndjson, "own.csv": table.write_csv, "own.parquet": table.write_parquet}[name](path)  # type: ignore[operator]
    found = prompts(heldout, mine=Benchmark(kind="files", path=str(path)))
    assert sorted(found.select("instruction", "reference").rows()) == [("a", "x"), ("b", None)]


def lay_out(folder: Path) -> None:
    (folder / "data" / "model_answer").mkdir(parents=True)
    (folder / "outputs.json").write_text(json.dumps(ALPACA))
    (folder / "data" / "question.jsonl").write_text(json.dumps(QUESTION))
    (folder / "data" / "model_answer" / "gpt-4-0314.jsonl").write_text(json.dumps(ANSWER))


ARENA: dict[str, Any] = {"path": "data/question.jsonl", "answers": "data/model_answer/gpt-4-0314.jsonl"}


def test_alpaca_eval_and_arena_hard_are_read_from_a_folder_laid_out_like_the_hub(heldout: Path) -> None:
    lay_out(heldout.parent)
    folder = str(heldout.parent)
    found = prompts(
        heldout,
        own=Benchmark(kind="heldout", limit=3),
        alpaca_eval=Benchmark(kind="hub", id=folder, path="outputs.json", limit=4),
        arena_hard=Benchmark(kind="hub", id=folder, **ARENA),
    )
    assert found["benchmark"].to_list() == ["alpaca_eval"] * 4 + ["arena_hard"] + ["own"] * 3
    assert set(found.filter(benchmark="alpaca_eval")["baseline"]) == {"gpt4_1106_preview"}
    arena = found.filter(benchmark="arena_hard").drop("id", "benchmark")
    assert arena.rows() == [("Ask?", None, "gpt-4-0314", "Answer.", "arena_hard/Puzzles")]


def test_both_files_are_fetched_from_the_hub_at_one_commit_which_is_recorded(
    heldout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(heldout.parent)
    asked = []

    def fetched(id: str, path: str, revision: str) -> Path:
        asked.append((id, path, revision))
        return heldout.parent / path

    monkeypatch.setattr(sources, "resolve_revision", lambda id, revision: {"main": "c" * 40}[revision])
    monkeypatch.setattr(sources, "fetch_file", fetched)
    prompts(heldout, arena=Benchmark(kind="hub", id="owner/name", revision="main", **ARENA))
    assert asked == [("owner/name", path, "c" * 40) for path in ARENA.values()]
    origins = json.loads((heldout.parent / "origins.json").read_text())
    assert origins == {
        "arena": {"kind": "hub", "from": "owner/name", "commit": "c" * 40, "prompts": 1, "references": 0}
    }


def test_records_that_cannot_be_used_are_counted(heldout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = heldout.parent / "own.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": "a"}\n{"prompt": 7}\n{"pro')
    assert len(prompts(heldout, mine=Benchmark(kind="files", path=str(path)))) == 1
    assert "mine: 3 of 4 records have no instruction, or repeat an earlier one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Benchmark(kind="files"), "needs path"),
        (Benchmark(kind="hub", path="a.json"), "needs id and path"),
        (Benchmark(kind="files", path="no/such/file.json"), "'mine' has no prompt: 1 records read; no file at"),
        (Benchmark(kind="files", path="metrics/grid.csv"), "no record has the fields of a prompt: a text in"),
        (Benchmark(kind="files", path="pyproject.toml"), "'mine' has no prompt: 1 records read; .*is no table"),
    ],
)
def test_a_source_without_prompts_is_one_clear_error(heldout: Path, source: Benchmark, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prompts(heldout, mine=source)


def test_missing_answers_of_a_baseline_are_an_error_not_a_silence(heldout: Path) -> None:
    lay_out(heldout.parent)
    with pytest.raises(ValueError, match="answers"):
        prompts(heldout, arena=Benchmark(kind="hub", id=str(heldout.parent), path=ARENA["path"], answers="none.jsonl"))


def test_nothing_held_out_names_the_remedy(heldout: Path) -> None:
    write_table(heldout, Pool, read_table(heldout, Pool).clear())
    with pytest.raises(ValueError, match=r"raise ingest\.heldout_share"):
        prompts(heldout, own=Benchmark(kind="heldout"))


def test_no_sources_are_an_error(heldout: Path) -> None:
    with pytest.raises(ValueError, match="at least one benchmark"):
        prompts(heldout)
