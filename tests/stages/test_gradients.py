"""gradients: a vector for each row of the pool where a proxy is named, and nothing loaded where none is."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.pairs import Pairs
from m2m.schemas.vectors import Vectors
from stages import gradients
from stages.gradients import main

SETTINGS: dict[str, Any] = {"prompt_format": "plain", "seed": 1, "dims": 32, "max_length": 40}


@pytest.fixture
def folder(tokenizer: Any, llama: Any, tmp_path: Path) -> Path:
    texts = {"instruction": ["A list?", "Why?", "What?"], "response": ["The sum " * 12, "numbers", "a mean of"]}
    table = pl.DataFrame({"id": ["c", "b", "a"], "source": "s", **texts}).with_columns(original=pl.lit(None, pl.String))
    write_table(tmp_path / "pairs.parquet", Pairs, table)
    llama.save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    return tmp_path


def measure(folder: Path, base: Path, proxy: str | None) -> pl.DataFrame:
    pairs, out = folder / "pairs.parquet", folder / "gradients.parquet"
    main(pairs, base, base, out, proxy=proxy, **SETTINGS)
    return read_table(out, Vectors)


@pytest.mark.parametrize("is_folder", [False, True])
def test_every_row_of_the_pool_has_its_gradient_and_cuts_are_told(
    folder: Path, is_folder: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    base = folder / "base"
    table = measure(folder, Path("absent"), str(base)) if is_folder else measure(folder, base, "base")
    assert table["id"].to_list() == ["a", "b", "c"]
    assert table["vector"].list.len().to_list() == [32, 32, 32]
    assert "gradients: 1 of 3 rows are cut to gradients.max_length 40" in capsys.readouterr().err


def test_slices_and_other_rows_change_no_vector(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of one slice, of a slice a row, and of a pool without row b."""
    whole = measure(folder, folder / "base", "base")
    monkeypatch.setattr(gradients, "WRITTEN_ROWS", 1)
    assert measure(folder, folder / "base", "base").equals(whole)
    pool = read_table(folder / "pairs.parquet", Pairs)
    write_table(folder / "pairs.parquet", Pairs, pool.filter(pl.col("id") != "b"))
    assert measure(folder, folder / "base", "base").equals(whole.filter(pl.col("id") != "b"))


def test_without_a_proxy_no_model_is_loaded(folder: Path) -> None:
    assert measure(folder, Path("absent"), None).is_empty()


def test_a_hub_id_is_refused_since_nothing_pins_its_model(folder: Path) -> None:
    rule = r"gradients\.proxy must be base, or a folder with a model and its tokenizer, got some/model"
    with pytest.raises(ValueError, match=rule):
        measure(folder, folder / "base", "some/model")
