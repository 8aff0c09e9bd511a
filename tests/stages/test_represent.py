"""represent and resemble: what rds-plus chooses by, from the base model's states; nothing is loaded without it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.target_scores import TargetScores
from m2m.schemas.vectors import Vectors
from stages import represent, resemble

SETTINGS: dict[str, Any] = {"prompt_format": "plain", "batch_size": 2, "max_length": 40, "dtype": "float32"}
TEXTS = {"instruction": ["A list?", "Why?", "What?"], "response": ["The sum " * 12, "numbers", "a mean of"]}


@pytest.fixture
def folder(tokenizer: Any, llama: Any, tmp_path: Path) -> Path:
    table = pl.DataFrame({"id": ["c", "b", "a"], "source": "s", **TEXTS}).with_columns(original=pl.lit(None, pl.String))
    write_table(tmp_path / "pairs.parquet", Pairs, table)
    llama.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    records = [dict(zip(("instruction", "output"), pair, strict=True)) for pair in zip(*TEXTS.values(), strict=True)]
    lines = [json.dumps(record) for record in (*records, {"instruction": "no answer"})]
    (tmp_path / "like.jsonl").write_text("\n".join(lines))
    return tmp_path


def run_stages(
    folder: Path, strategy: str, prefilter: str, examples: str | None, share: float = 0.5
) -> tuple[pl.DataFrame, pl.DataFrame]:
    pool, scores = folder / "pool.parquet", folder / "rds-plus.parquet"
    models = folder / "base", folder / "tokenizer"
    names: Any = {"strategy": strategy, "prefilter": prefilter, "prefilter_share": share}
    represent.main(folder / "pairs.parquet", *models, pool, **names, **SETTINGS)
    resemble.main(pool, *models, scores, examples=examples, **SETTINGS)
    return read_table(pool, Vectors), read_table(scores, TargetScores)


@pytest.mark.parametrize("names", [("rds-plus", "random"), ("response-micro", "rds-plus")])
def test_a_row_is_most_like_its_own_copy_and_cuts_are_told(
    folder: Path, names: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    vectors, table = run_stages(folder, *names, str(folder / "like.jsonl"))
    assert vectors["id"].to_list() == table["id"].to_list() == ["a", "b", "c"]
    scores = np.array(table["scores"].to_list())
    assert scores.argmax(0).tolist() == [2, 1, 0]
    np.testing.assert_allclose(scores.max(0), 2, atol=1e-5)
    told = capsys.readouterr().err
    assert "represent: 1 of 3 rows are cut to represent.max_length 40" in told
    assert "resemble: 3 examples, 1 of them cut to represent.max_length 40; 1 records could not be used" in told


def test_other_strategies_load_no_model_and_have_no_rows(folder: Path) -> None:
    (folder / "base/config.json").unlink()
    vectors, table = run_stages(folder, "bm25", "random", str(folder / "like.jsonl"))
    assert vectors.is_empty() and table.is_empty()


def test_a_prefilter_that_keeps_every_row_loads_no_model(folder: Path) -> None:
    (folder / "base/config.json").unlink()
    vectors, _ = run_stages(folder, "bm25", "rds-plus", str(folder / "like.jsonl"), share=1.0)
    assert vectors.is_empty()


def test_without_examples_the_lists_are_empty(folder: Path) -> None:
    _, table = run_stages(folder, "rds-plus", "random", None)
    assert table["scores"].to_list() == [[]] * 3
