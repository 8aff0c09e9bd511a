"""difficulty: a row's losses by id for strategy ifd, and nothing loaded for any other."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.difficulties import Difficulties
from m2m.schemas.pairs import Pairs
from m2m.selection.baselines import CHOOSERS, BaselineInputs
from stages.difficulty import main
from tests.selection.clouds import everything

SETTINGS: dict[str, Any] = {"prompt_format": "plain", "batch_size": 2, "max_length": 24, "dtype": "float32"}


@pytest.fixture
def paths(tokenizer: Any, llama: Any, tmp_path: Path) -> list[Path]:
    texts = {"instruction": ["A list?", "Why?", "What?"], "response": ["The sum " * 12, "numbers", "a mean of"]}
    table = pl.DataFrame({"id": ["c", "b", "a"], "source": "s", **texts}).with_columns(original=pl.lit(None, pl.String))
    write_table(tmp_path / "pairs.parquet", Pairs, table)
    llama.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    return [tmp_path / name for name in ("pairs.parquet", "base", "tokenizer", "difficulties.parquet")]


def test_every_row_has_its_losses_in_the_order_of_ids_and_cuts_are_told(
    paths: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    main(*paths, strategy="ifd", **SETTINGS)
    table = read_table(paths[-1], Difficulties)
    assert table["id"].to_list() == ["a", "b", "c"]
    assert table["tokens"].to_list()[2] < 24 and (table["conditioned"] > 0).all()
    told = "of 3 rows 1 prompts and 1 responses are cut to difficulty.max_length 24; 0 responses have no token"
    assert told in capsys.readouterr().err
    first = paths[-1].read_bytes()
    main(*paths, strategy="ifd", **SETTINGS)
    assert paths[-1].read_bytes() == first


def test_another_strategy_loads_no_model(paths: list[Path]) -> None:
    main(paths[0], Path("absent"), Path("absent"), paths[-1], strategy="response-micro", **SETTINGS)
    assert read_table(paths[-1], Difficulties).is_empty()


def test_rows_that_are_left_out_are_told_with_their_number() -> None:
    columns = {"id": list("abcde"), "tokens": 1, "conditioned": [1.0, 2.0, 3.0, 4.0, None]}
    table = pl.DataFrame(columns).with_columns(unconditioned=pl.Series([4.0, 4.0, 3.0, 2.0, None]))
    inside, costs = everything(5)
    inputs = BaselineInputs(table, table["id"], costs, inside, costs, 2, costs, None, np.random.default_rng(0))
    rows, note = CHOOSERS["ifd"](inputs)
    assert rows.tolist() == [1, 0]
    assert note == "ifd leaves out 2 rows that their instruction makes no likelier, and 1 without a difficulty"
