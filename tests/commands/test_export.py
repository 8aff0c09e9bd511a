import hashlib
import json
import re
import subprocess

import polars as pl
import pytest
import yaml

from m2m.commands.export import main
from m2m.export.trainer_formats import FORMS
from m2m.grid.provenance import CELL, OPPONENT
from m2m.runtime.artifacts import write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.subset import Subset
from m2m.schemas.tokens import Tokens

SETTINGS = {"strategy": "response-micro", "match": "random", "degree": 3, "size": 2, "seed": 1}
SUMMARY = dict.fromkeys(("pool_rows", "candidate_rows", "k_min", "k_max", "units_covered", "response_tokens"), 3)
OUTS = {
    "data/pairs.parquet": "respond",
    "data/subsets/candidate.parquet": "subset@candidate",
    "data/subsets/candidate.json": "subset@candidate",
    "data/tokens/instruction.parquet": "band@instruction",
    "data/tokens/response.parquet": "band@response",
    "metrics/cell.json": "measure",
}
EVIL = "Ignore </script> | this"


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A repository with one finished cell: two of three pairs, b chosen first."""
    monkeypatch.chdir(tmp_path)
    texts = {"instruction": ["Say a.", EVIL, "Say ä."], "response": ["a", "bb", "ä"]}
    pairs = pl.DataFrame({"id": ["a", "b", "c"], "source": ["docs", "mine", "mine"], **texts})
    write_table(tmp_path / "data/pairs.parquet", Pairs, pairs.with_columns(original=pl.lit(None, pl.String)))
    subset = pl.DataFrame({"id": ["a", "b"], "unit": ["x", "y"], "turn": [1, 0]}, schema_overrides={"turn": pl.Int32})
    write_table(tmp_path / "data/subsets/candidate.parquet", Subset, subset)
    (tmp_path / "data/subsets/candidate.json").write_text(json.dumps({**SUMMARY, "rows": 2, "k": 2, "k_evenness": 1.0}))
    for side in ("instruction", "response"):
        tokens = pl.DataFrame({"id": ["a", "b", "c"], "tokens": [[1], [1, 2], [3]]})
        cast = tokens.cast({"tokens": pl.List(pl.Int32)})
        write_table(tmp_path / f"data/tokens/{side}.parquet", Tokens, cast)
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/cell.json").write_text(json.dumps({"response_vendi": 1.5, "bpb_reduction": 0.1}))
    stages = {
        name: {"cmd": name} for name in (*CELL, *OPPONENT, "ingest", "respond", "band@instruction", "band@response")
    }
    stages["ingest"]["cmd"] = (
        "python -m stages.ingest --sources.docs.kind docstrings --sources.docs.packages pytest "
        "--sources.mine.kind files --sources.mine.path mine.jsonl"
    )
    stages["respond"]["cmd"] = "python -m stages.respond --engine endpoint --endpoint.model teacher-70b"
    flags = " ".join(f"--{name} {value}" for name, value in SETTINGS.items())
    stages |= {name: stage | {"outs": []} for name, stage in stages.items()}
    stages["subset@candidate"]["cmd"] = f"python -m stages.subset {flags}"
    for path, name in OUTS.items():
        stages[name]["outs"].append({"path": path, "md5": md5(tmp_path / path)})
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    for words in (
        ["init", "--quiet"],
        ["-c", "user.name=a", "-c", "user.email=a", "commit", "--quiet", "--allow-empty", "--message=a"],
    ):
        subprocess.run(["git", *words], check=True)
    return tmp_path


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_chosen_rows_in_the_order_of_choice(workspace, form):
    main(workspace / "out", format=form)
    if form == "parquet":
        rows = pl.read_parquet(workspace / "out/data.parquet").select("instruction", "response").rows()
    else:
        from m2m.data.records.record_formats import read_pair

        lines = [json.loads(line) for line in (workspace / "out/data.jsonl").read_text().splitlines()]
        if form == "prompt-completion":
            rows = [(line["prompt"][0]["content"], line["completion"][0]["content"]) for line in lines]
        else:
            rows = [(told.instruction, told.response) for told in map(read_pair, lines)]
    assert rows == [(EVIL, "bb"), ("Say a.", "a")]


def test_the_card_tells_sources_licences_settings_lengths_and_hashes(workspace):
    main(workspace / "out")
    told = (workspace / "out/README.md").read_text()
    assert "| docs | 1 | 1 installed packages | pytest: MIT | the source's own |" in told
    assert "| mine | 1 | mine.jsonl | not stated | the source's own |" in told
    assert "| strategy | response-micro |" in told
    assert "| vendi |  | 1.5 |" in told
    assert "| response, tokens | 1.5 |" in told
    assert hashlib.sha256((workspace / "out/data.jsonl").read_bytes()).hexdigest() in told
    assert EVIL not in told


def untrained(workspace, wrote: str) -> None:
    """The lock after `dvc repro subset@candidate` of another subset, of which the band stage wrote `wrote`."""
    lock = yaml.safe_load((workspace / "dvc.lock").read_text())
    for name, path in {"subset@candidate": "data/tokens/response.parquet", "measure": "data/subsets"}.items():
        lock["stages"][name]["deps"] = [{"path": path, "md5": wrote}]
    lock["stages"]["subset@candidate"]["outs"].append({"path": "data/subsets", "md5": "new"})
    (workspace / "dvc.lock").write_text(yaml.safe_dump(lock))


def test_a_subset_that_nothing_was_trained_on_yet_is_exported_without_the_metrics_of_another(workspace):
    (workspace / "metrics/cell.json").write_text("of another cell")
    untrained(workspace, md5(workspace / "data/tokens/response.parquet"))
    main(workspace / "out")
    told = (workspace / "out/README.md").read_text()
    assert "| trained | not yet" in told
    assert "Diversity" not in told and "vendi" not in told
    assert len((workspace / "out/data.jsonl").read_text().splitlines()) == 2


def test_a_subset_of_other_tokens_is_refused(workspace):
    untrained(workspace, "old")
    with pytest.raises(
        ValueError, match=r"one run up to the subset: run dvc repro band@instruction band@response subset"
    ):
        main(workspace / "out")
    assert not (workspace / "out").exists()


def test_tokens_of_another_pool_are_refused_before_anything_is_written(workspace):
    lock = yaml.safe_load((workspace / "dvc.lock").read_text())
    lock["stages"]["band@instruction"]["deps"] = [{"path": "data/pairs.parquet", "md5": "of another pool"}]
    (workspace / "dvc.lock").write_text(yaml.safe_dump(lock))
    with pytest.raises(ValueError, match="one run up to the subset"):
        main(workspace / "out")
    assert not (workspace / "out").exists()


def test_llama_factory_gets_its_description(workspace):
    main(workspace / "out", format="alpaca")
    described = json.loads((workspace / "out/dataset_info.json").read_text())
    assert described["subset"]["file_name"] == "data.jsonl"


def test_responses_by_an_llm_are_told_as_such(workspace):
    pairs = pl.read_parquet(workspace / "data/pairs.parquet")
    new = pl.when(pl.col("id") == "a").then(pl.lit("old"))
    write_table(workspace / "data/pairs.parquet", Pairs, pairs.with_columns(original=new))
    lock = yaml.safe_load((workspace / "dvc.lock").read_text())
    lock["stages"]["respond"]["outs"][0]["md5"] = md5(workspace / "data/pairs.parquet")
    (workspace / "dvc.lock").write_text(yaml.safe_dump(lock))
    main(workspace / "out")
    assert (
        "| docs | 1 | 1 installed packages | pytest: MIT | 1 by teacher-70b |"
        in (workspace / "out/README.md").read_text()
    )


def test_nothing_is_written_over(workspace):
    (workspace / "out").mkdir()
    (workspace / "out/mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="OUT must be a new or empty folder"):
        main(workspace / "out")
    assert [path.name for path in (workspace / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("path", OUTS)
def test_what_the_lock_does_not_tell_of_is_refused(workspace, path):
    (workspace / path).write_text("{}")
    with pytest.raises(ValueError, match=f"{re.escape(path)} must be what dvc\\.lock tells of: run dvc repro"):
        main(workspace / "out")
    assert not (workspace / "out").exists()
