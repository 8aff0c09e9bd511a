import hashlib
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from m2m.commands.export import main
from m2m.export import exported_run
from m2m.export.trainer_formats import CONVERTERS
from m2m.grid.dvc_experiments import Experiment, read_lock
from m2m.grid.provenance import CELL_STAGES, OPPONENT_STAGES, SETTINGS_STAGES
from m2m.runtime.artifacts import write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.subset import Subset
from m2m.schemas.tokens import Tokens
from m2m.study.study_file import write_study
from tests.study.study_rows import gain, make_study, setting

SETTINGS = {"strategy": "response-micro", "match": "random", "degree": 3, "size": 2, "seed": 1}
SUMMARY = dict.fromkeys(("pool_rows", "candidate_rows", "k_min", "k_max", "units_covered", "response_tokens"), 3)
OUTS = {
    "data/pairs.parquet": "respond",
    "data/subsets/candidate.parquet": "subset@candidate",
    "data/subsets/candidate.json": "subset@candidate",
    "data/tokens/instruction.parquet": "band@instruction",
    "data/tokens/response.parquet": "band@response",
    "metrics/cell.json": "measure",
    "metrics/cell_details.json": "measure",
}
SHARED = ("ingest", "respond", "tokenizer", "band@instruction", "band@response")
EVIL = "Ignore </script> | this"


def md5(path: Any) -> Any:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
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
    (tmp_path / "metrics/cell_details.json").write_text(json.dumps({"response_mean_tokens": 95.5}))
    stages = {
        name: {"cmd": name}
        for name in (
            *CELL_STAGES,
            *OPPONENT_STAGES,
            "ingest",
            "respond",
            "tokenizer",
            "band@instruction",
            "band@response",
        )
    }
    sources = {"docs": {"kind": "docstrings", "packages": ["pytest"]}, "mine": {"kind": "files", "path": "mine.jsonl"}}
    params = {
        "ingest": {"ingest": {"sources": sources}},
        "respond": {"respond": {"engine": "endpoint", "endpoint": {"model": "teacher-70b"}}},
        "subset@candidate": {"subset": SETTINGS},
        "band@response": {"band": {"tokenizer": "base"}},
        "tokenizer": {"base.name": "scratch"},
    }
    for name, blocks in params.items():
        stages[name]["params"] = {"params.yaml": blocks}  # type: ignore[assignment]
    stages |= {name: stage | {"outs": []} for name, stage in stages.items()}  # type: ignore[misc]
    for path, name in OUTS.items():
        stages[name]["outs"].append({"path": path, "md5": md5(tmp_path / path)})  # type: ignore[attr-defined]
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    for words in (
        ["init", "--quiet"],
        ["-c", "user.name=a", "-c", "user.email=a", "commit", "--quiet", "--allow-empty", "--message=a"],
    ):
        subprocess.run(["git", *words], check=True)
    return tmp_path


@pytest.mark.parametrize("form", CONVERTERS)
def test_every_form_has_the_chosen_rows_in_the_order_of_choice(workspace: Path, form: Any) -> None:
    main(workspace / "out", format=form)
    if form == "parquet":
        rows = pl.read_parquet(workspace / "out/data.parquet").select("instruction", "response").rows()
    else:
        from m2m.data.records.record_formats import read_pair

        lines = [json.loads(line) for line in (workspace / "out/data.jsonl").read_text().splitlines()]
        if form == "plain":
            rows = [(line["prompt"].split(": ", 1)[1].split("\n")[0], line["completion"]) for line in lines]
        elif form == "prompt-completion":
            rows = [(line["prompt"][0]["content"], line["completion"][0]["content"]) for line in lines]
        else:
            rows = [(told.instruction, told.response) for told in map(read_pair, lines)]
    assert rows == [(EVIL, "bb"), ("Say a.", "a")]


def test_the_card_tells_sources_licences_settings_lengths_and_hashes(workspace: Path) -> None:
    main(workspace / "out")
    told = (workspace / "out/README.md").read_text()
    assert "| docs | 1 | 1 installed packages | pytest: MIT | the source's own |" in told
    assert "| mine | 1 | mine.jsonl | not stated | the source's own |" in told
    assert "| strategy | response-micro |" in told
    assert "| vendi |  | 1.5 |" in told
    assert "| response, tokens | 1.5 |" in told
    assert hashlib.sha256((workspace / "out/data.jsonl").read_bytes()).hexdigest() in told
    assert EVIL not in told


def test_the_card_names_the_llm_whose_scores_the_rows_were_chosen_by(workspace: Path) -> None:
    lock = yaml.safe_load((workspace / "dvc.lock").read_text())
    block = {"engine": "local", "temperature": 0.0, "reply_tokens": 9, "endpoint": {"model": "a|b", "revision": "main"}}
    for field in ("complexity", "quality"):
        outs = [{"path": f"data/ratings/{field}.parquet", "md5": "1"}]
        lock["stages"][f"rate@{field}"] = {"cmd": "rate", "params": {"params.yaml": {"rate": block}}, "outs": outs}
    cell = lock["stages"]["subset@candidate"]["params"]["params.yaml"]
    cell["subset"] = SETTINGS | {"quality": "llm_quality", "quality_share": 1.0}
    (workspace / "dvc.lock").write_text(yaml.safe_dump(lock))
    main(workspace / "out")
    told = (workspace / "out/README.md").read_text()
    assert re.search(r"\| LLM that gave llm.?_quality \| a.?\|b \|", told)
    assert "llm_complexity" not in told.replace("\\", "")


def untrained(workspace: Path, wrote: str) -> None:
    """The lock after `dvc repro subset@candidate` of another subset, of which the band stage wrote `wrote`."""
    lock = yaml.safe_load((workspace / "dvc.lock").read_text())
    for name, path in {"subset@candidate": "data/tokens/response.parquet", "measure": "data/subsets"}.items():
        lock["stages"][name]["deps"] = [{"path": path, "md5": wrote}]
    lock["stages"]["subset@candidate"]["outs"].append({"path": "data/subsets", "md5": "new"})
    (workspace / "dvc.lock").write_text(yaml.safe_dump(lock))


def test_a_subset_that_nothing_was_trained_on_yet_is_exported_without_the_metrics_of_another(workspace: Path) -> None:
    (workspace / "metrics/cell.json").write_text("of another cell")
    untrained(workspace, md5(workspace / "data/tokens/response.parquet"))
    main(workspace / "out")
    told = (workspace / "out/README.md").read_text()
    assert "| trained | not yet |" in told
    assert "Diversity" not in told and "vendi" not in told
    assert len((workspace / "out/data.jsonl").read_text().splitlines()) == 2


def test_a_subset_of_other_tokens_is_refused(workspace: Path) -> None:
    untrained(workspace, "old")
    with pytest.raises(
        ValueError, match=r"one run up to the subset\. Run dvc repro band@instruction band@response subset"
    ):
        main(workspace / "out")
    assert not (workspace / "out").exists()


def test_tokens_of_another_pool_are_refused_before_anything_is_written(workspace: Path) -> None:
    lock = yaml.safe_load((workspace / "dvc.lock").read_text())
    lock["stages"]["band@instruction"]["deps"] = [{"path": "data/pairs.parquet", "md5": "of another pool"}]
    (workspace / "dvc.lock").write_text(yaml.safe_dump(lock))
    with pytest.raises(ValueError, match="one run up to the subset"):
        main(workspace / "out")
    assert not (workspace / "out").exists()


def test_llama_factory_gets_its_description(workspace: Path) -> None:
    main(workspace / "out", format="alpaca")
    described = json.loads((workspace / "out/dataset_info.json").read_text())
    assert described["subset"]["file_name"] == "data.jsonl"


def test_responses_by_an_llm_are_told_as_such(workspace: Path) -> None:
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


def test_nothing_is_written_over(workspace: Path) -> None:
    (workspace / "out").mkdir()
    (workspace / "out/mine.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"out is not empty\. Choose a new or empty folder"):
        main(workspace / "out")
    assert [path.name for path in (workspace / "out").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("path", OUTS)
def test_what_the_lock_does_not_tell_of_is_refused(workspace: Path, path: Any) -> None:
    (workspace / path).write_text("{}")
    with pytest.raises(ValueError, match=f"{re.escape(path)} differs from dvc\\.lock\\. Run dvc repro"):
        main(workspace / "out")
    assert not (workspace / "out").exists()


def test_the_card_says_which_tokenizer_and_which_evidence_there_is(workspace: Path) -> None:
    main(workspace / "out")
    text = (workspace / "out/README.md").read_text()
    assert "The units are token types of the tokenizer trained on the documentation." in text
    assert "## Evidence\n\nNo evidence: there is no study here." in text


def test_the_card_quotes_the_study_and_says_how_it_differs(workspace: Path) -> None:
    """The run has made no base model and has no stage of its settings but `judge`: only these can differ."""
    limits = {"size": 2, "budget": "rows", "slack": 1.5, "weights": "inverse", "min_tokens": 1, "max_tokens": 9}
    worse = gain(-0.02, 0.01, degree=3, size=2, condition="c")
    study = make_study(provenance="p", settings=[setting(**limits, condition="c")], against_random=[worse])
    write_study(workspace / "metrics/study.json", study)
    lock = yaml.safe_load((workspace / "dvc.lock").read_text())
    lock["stages"]["subset@candidate"]["params"]["params.yaml"]["subset"] |= limits
    lock["stages"]["judge"]["params"] = {"params.yaml": {"judge": {"repeats": 1}}}
    for name in set(SETTINGS_STAGES) - {"judge"}:
        del lock["stages"][name]
    (workspace / "dvc.lock").write_text(yaml.safe_dump(lock))
    pool, same = md5(workspace / "data/pairs.parquet"), {"judge": {"judge": {"repeats": 1}}}
    passes = {"ifd": {"max_length": 9}}  # of another strategy than this subset's
    apart = "The study differs in: {}. So this may not hold here."
    for place, (shared, words) in enumerate(
        [
            ({"data": {"data/pairs.parquet": pool}, "settings": same, "passes": passes}, ""),
            ({"data": {"data/pairs.parquet": pool, "models/base": "b"}, "settings": same | {"measure": {"a": 1}}}, ""),
            ({"data": {"data/pairs.parquet": "another"}, "settings": same}, apart.format("pool")),
            ({"data": {}, "settings": {"judge": {"judge": {"repeats": 2}}}}, apart.format("settings of judge")),
            ({"data": {}, "settings": {"quality": {"quality": "x"}}}, apart.format("settings of quality")),
            ({}, "What the study's cells were made of is not recorded, so this may not hold here."),
        ]
    ):
        (workspace / "metrics/made.json").write_text(json.dumps({"p": shared}))
        main(workspace / f"out-{place}")
        text = (workspace / f"out-{place}/README.md").read_text()
        assert "Significantly worse than random: bpb_reduction −0.020" in text
        assert words in text and ("may not hold here" in text) == bool(words)


def test_a_damaged_study_is_one_sentence_that_names_it(workspace: Path) -> None:
    (workspace / "metrics/study.json").write_text('{"outcomes": []}')
    with pytest.raises(ValueError, match=r"study\.json is not a valid study: cells: Field required\. Run `python"):
        main(workspace / "out")
    assert not (workspace / "out").exists()


@pytest.fixture
def experiment(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The finished cell as an experiment whose files are in DVC's cache alone."""
    cell = Experiment("response-micro-3-s1-abc", "0123456789abcdef", read_lock(), {"response_vendi": 2.5})
    cache = {}
    for path in OUTS:
        cache[md5(workspace / path)] = workspace / "cache" / path
        (workspace / "cache" / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).rename(workspace / "cache" / path)
    (workspace / "dvc.lock").unlink()
    monkeypatch.setattr(exported_run, "read_experiments", lambda: [cell])
    monkeypatch.setattr(exported_run, "locate_cached_file", lambda md5: cache[md5])
    return cell.name


def test_the_subset_of_an_experiment_is_exported_by_its_name(workspace: Path, experiment: Any) -> None:
    main(workspace / "out", experiment=experiment, format="alpaca")
    lines = [json.loads(line) for line in (workspace / "out/data.jsonl").read_text().splitlines()]
    assert [line["output"] for line in lines] == ["bb", "a"]
    text = (workspace / "out/README.md").read_text()
    assert "| exported from | response-micro-3-s1-abc (0123456789) |" in text
    assert "| vendi |  | 2.5 |" in text


def test_an_experiment_that_is_not_there_is_named_with_the_nearest_one(workspace: Path, experiment: Any) -> None:
    with pytest.raises(ValueError, match=r"3-s1 is not a finished .* Did you mean response-micro-3-s1-abc"):
        main(workspace / "out", experiment="response-micro-3-s1")
    with pytest.raises(ValueError, match=r"xyz is not a finished experiment .* dvc exp list --all-commits lists them"):
        main(workspace / "out", experiment="xyz")


def test_an_experiment_whose_files_are_not_in_the_cache_is_refused_with_the_remedy(
    workspace: Path, experiment: Any
) -> None:
    (workspace / "cache/data/pairs.parquet").unlink()
    with pytest.raises(ValueError, match=r"data/pairs\.parquet of .* is not in DVC's cache\. Run dvc exp pull origin"):
        main(workspace / "out", experiment=experiment)
    assert not (workspace / "out").exists()
