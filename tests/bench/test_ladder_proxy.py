"""The proxy of the ladder: the target's very rows and prompts, cut as the stages cut them; no other proxy's figures."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest

from bench import ladder_proxy
from m2m.grid.params.params_file import read_settings, write_settings
from m2m.models import load_model, load_tokenizer, save_tokenizer
from m2m.runtime.artifacts import write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.prompts import Prompts
from m2m.schemas.subset import Subset

ROOT = Path(__file__).parent.parent.parent
LONG = "Return the mean of a list of numbers. " * 9  # more than the 64 tokens of the tiny model
CELLS = ("cell-1", "cell-2")


class Cell(NamedTuple):
    name: str
    lock: Any


@pytest.fixture
def run(tmp_path: Path, llama: Any, tokenizer: Any) -> Path:
    """A finished run: a tiny base with its tokenizer and settings; learning changes nothing."""
    llama.save_pretrained(tmp_path / "models/base")
    save_tokenizer(tokenizer, tmp_path / "models/tokenizer")
    settings = read_settings(ROOT / "params.yaml")
    settings["finetune"] |= {"max_length": 64, "batch_size": 2, "accumulate": 1, "learning_rate": 0.0}
    settings["generate"] |= {"max_length": 64, "max_new_tokens": 16}
    write_settings(tmp_path / "params.yaml", settings)
    return tmp_path


@pytest.fixture
def cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """Two cells with one opponent; a prompt and a response are too long for the proxy."""
    cache, ids = tmp_path / "cache", [f"{number:016x}" for number in range(6)]
    texts = {"instruction": [LONG, *["What is it?"] * 5], "response": ["A sum.", LONG, *["Of x, the array."] * 4]}
    pool = pl.DataFrame({"id": ids, "source": ["docs"] * 6} | texts)
    write_table(cache / "pairs", Pairs, pool.with_columns(original=pl.lit(None, pl.String)))
    prompts = {"id": ["p1", "p2", "p3"], "benchmark": ["b"] * 3, "instruction": [LONG, "What?", "Sum?"]}
    answers = {"reference": ["A mean.", LONG, None], "baseline": [None] * 3, "baseline_answer": [None] * 3}
    table = pl.DataFrame(prompts | answers | {"group": ["g"] * 3})
    write_table(cache / "prompts", Prompts, table.cast({"baseline": pl.String, "baseline_answer": pl.String}))
    locks = {}
    for name, first, seed in (("opponent", 0, 1), ("cell-1", 0, 1), ("cell-2", 2, 2)):
        rows = pl.DataFrame({"id": ids[first : first + 4], "unit": ["u"] * 4})
        rows = rows.with_columns(turn=pl.int_range(4, dtype=pl.Int32))
        write_table(cache / f"subset-{name}", Subset, rows)
        locks[name] = {"outs": {"data/subsets/{}.parquet": f"subset-{name}"}, "seed": seed}
    monkeypatch.setattr(ladder_proxy, "locate_cached_file", lambda md5: cache / md5)
    monkeypatch.setattr(
        ladder_proxy, "read_experiments", lambda: [Cell(name, make_lock(name, locks)) for name in CELLS]
    )
    return pl.DataFrame({"experiment": CELLS})


def make_lock(name: str, subsets: dict[str, Any]) -> dict[str, Any]:
    """As dvc.lock, as far as the proxy reads it."""
    lock: dict[str, Any] = {
        "ingest": {"outs": {"data/pairs.parquet": "pairs"}},
        "benchmark": {"outs": {"data/prompts.parquet": "prompts"}},
    }
    for arm, block, subset in (("candidate", "subset", name), ("opponent", "opponent", "opponent")):
        outs = {f"data/subsets/{arm}.parquet": f"subset-{subset}"}
        lock[f"subset@{arm}"] = {"outs": outs, "params": {block: {"seed": subsets[subset]["seed"]}}}
    return lock


@pytest.mark.long
def test_each_training_is_scored_as_the_stages_score_and_no_other_base_s_figure_is_taken(
    run: Path, cells: pl.DataFrame, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = run / "trainings.jsonl"
    measured = ladder_proxy.train_missing(cells, run, log)
    assert len(measured) == 3 and len(log.read_text().splitlines()) == 3
    words, prompts = load_tokenizer(run / "models/tokenizer"), pl.read_parquet(run / "cache/prompts")
    settings = read_settings(run / "params.yaml")
    base = ladder_proxy.score_prompts(load_model(run / "models/base", "float32"), words, settings, prompts)
    assert list(measured.values()) == pytest.approx([base] * 3)  # the learning rate is 0
    assert "1 of 4 rows dropped" in capsys.readouterr().out

    settings["finetune"]["learning_rate"] = 0.01
    ids, lock = pl.read_parquet(run / "cache/subset-cell-2")["id"], ladder_proxy.read_experiments()[1].lock
    assert ladder_proxy.measure_subset(run, settings, ids, lock, 2) < base - 1e-4  # and learning does something

    asked: list[Path] = []

    def measure(folder: Path, *_: Any) -> float:
        asked.append(folder)
        return 1.0

    monkeypatch.setattr(ladder_proxy, "measure_subset", measure)
    assert ladder_proxy.train_missing(cells, run, log) == measured and asked == []
    shutil.copytree(run, other := run.parent / "other")
    (other / "models/base/config.json").write_text((run / "models/base/config.json").read_text() + "\n")
    assert set(ladder_proxy.train_missing(cells, other, log)) > set(measured) and asked == [other] * 3
