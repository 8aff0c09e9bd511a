"""gradients: a vector for each chosen row where a proxy is named, and nothing loaded where none is."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.subset import Subset
from m2m.schemas.vectors import Vectors
from stages.gradients import main

SETTINGS: dict[str, Any] = {"prompt_format": "plain", "seed": 1, "dims": 32, "max_length": 40}


@pytest.fixture
def folder(tokenizer: Any, llama: Any, tmp_path: Path) -> Path:
    texts = {"instruction": ["A list?", "Why?", "What?"], "response": ["The sum " * 12, "numbers", "a mean of"]}
    table = pl.DataFrame({"id": ["c", "b", "a"], "source": "s", **texts}).with_columns(original=pl.lit(None, pl.String))
    write_table(tmp_path / "pairs.parquet", Pairs, table)
    turns = pl.Series("turn", [1, 0], pl.Int32)
    write_table(tmp_path / "subset.parquet", Subset, pl.DataFrame({"id": ["a", "c"], "unit": "x"}).with_columns(turns))
    llama.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    return tmp_path


def measure(folder: Path, base: Path, proxy: str | None) -> pl.DataFrame:
    pairs, subset, out = (folder / f"{name}.parquet" for name in ("pairs", "subset", "gradients"))
    main(pairs, subset, base, base, out, proxy=proxy, **SETTINGS)
    return read_table(out, Vectors)


@pytest.mark.parametrize("is_folder", [False, True])
def test_the_chosen_rows_have_their_gradients_and_cuts_are_told(
    folder: Path, is_folder: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    base = folder / "base"
    table = measure(folder, Path("absent"), str(base)) if is_folder else measure(folder, base, "base")
    assert table["id"].to_list() == ["a", "c"]
    assert table["vector"].list.len().to_list() == [32, 32]
    assert "gradients: 1 of 2 rows are cut to gradients.max_length 40" in capsys.readouterr().err


def test_without_a_proxy_no_model_is_loaded(folder: Path) -> None:
    assert measure(folder, Path("absent"), None).is_empty()


def test_a_hub_id_is_refused_since_nothing_pins_its_model(folder: Path) -> None:
    rule = r"gradients\.proxy must be base, or a folder with a model and its tokenizer, got some/model"
    with pytest.raises(ValueError, match=rule):
        measure(folder, folder / "base", "some/model")
