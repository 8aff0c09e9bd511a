"""target: BM25 of every row with each example, in the order of ids; without examples empty lists."""

from pathlib import Path

import polars as pl
import pytest

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.target_scores import TargetScores
from m2m.selection.baselines import CHOOSERS, BaselineInputs
from m2m.training.pretrain import train_tokenizer
from stages.target import main

ROWS = ["red stone", "blue river", "red river", "green"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table = pl.DataFrame({"id": ["d", "c", "b", "a"], "source": "s", "instruction": "say", "response": ROWS})
    write_table(tmp_path / "pairs.parquet", Pairs, table.with_columns(original=pl.lit(None, pl.String)))
    train_tokenizer([f"say\n{row}" for row in ROWS] * 9, tmp_path / "tokenizer", vocab_size=300)
    (tmp_path / "like.jsonl").write_text('{"instruction": "say", "output": "a long river"}\n{"instruction": "say"}\n')
    return tmp_path


def test_rows_that_share_words_with_an_example_score_most(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = (folder / "pairs.parquet", folder / "tokenizer", folder / "scores.parquet")
    main(*paths, examples=str(folder / "like.jsonl"))
    table = read_table(folder / "scores.parquet", TargetScores)
    assert table["id"].to_list() == ["a", "b", "c", "d"]
    scores = dict(zip(table["id"], (score for (score,) in table["scores"]), strict=True))
    assert min(scores["b"], scores["c"]) > max(scores["a"], scores["d"]) > 0
    assert capsys.readouterr().err == "target: 1 examples; 1 records could not be used\n"


def test_without_examples_the_lists_are_empty_and_bm25_says_what_it_needs(folder: Path) -> None:
    main(folder / "pairs.parquet", folder / "tokenizer", folder / "scores.parquet", examples=None)
    table = read_table(folder / "scores.parquet", TargetScores)
    assert table["scores"].to_list() == [[]] * 4
    inputs = BaselineInputs(table, table["id"], *[None] * 7)
    with pytest.raises(
        ValueError, match=r"bm25 and rds-plus choose rows like your examples: name their file, target\.examples"
    ):
        CHOOSERS["bm25"](inputs)
