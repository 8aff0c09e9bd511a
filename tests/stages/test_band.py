"""The stage on a pool of thirty rows: its tables agree, its bytes do not depend on the row order."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import stages.band
from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.bands import Bands
from m2m.schemas.pairs import Pairs
from m2m.schemas.tokens import Tokens
from m2m.schemas.units import Units
from m2m.table_slices import read_slices
from stages.band import main

TEXTS = ["the mean of a list", "the sum of two lists", "an array"] * 10
OUTS = ("tokens.parquet", "bands.parquet", "units.parquet", "histogram.csv", "picture.svg")
SETTINGS: dict[str, Any] = {
    "side": "response",
    "tokenizer": "base",
    "low": 10,
    "high": 20,
    "limits": "occurrences",
    "band": "mid",
}


@pytest.fixture
def band(tmp_path: Path, tokenizer: Any) -> Callable[..., Path]:
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    ids = [f"{row:02}" for row in range(len(TEXTS))]
    pairs = pl.DataFrame({"id": ids, "source": "s", "instruction": "Why?", "response": TEXTS, "original": None})

    def run(name: str = "out", backwards: bool = False, **changed: Any) -> Path:
        table = pairs.cast({"original": pl.String})
        write_table(tmp_path / "pairs.parquet", Pairs, table.reverse() if backwards else table)
        outs = [tmp_path / name / out for out in OUTS]
        main(tmp_path / "pairs.parquet", tmp_path / "tokenizer", *outs, **SETTINGS | changed)
        return tmp_path / name

    return run


def test_units_are_the_types_of_the_band_that_the_text_holds(band: Callable[..., Path], tokenizer: Any) -> None:
    out = band()
    mid = set(read_table(out / "bands.parquet", Bands).filter(pl.col("band") == "mid")["token"])
    tokens = read_table(out / "tokens.parquet", Tokens)
    assert tokens["tokens"][0].to_list() == tokenizer.encode(TEXTS[0], add_special_tokens=False)
    held = {row: set(tokenizer.convert_ids_to_tokens(ids)) & mid for row, ids in tokens.iter_rows()}
    expected = sorted((row, token) for row, types in held.items() for token in types)
    assert read_table(out / "units.parquet", Units).rows() == expected


def test_row_order_changes_no_byte(band: Callable[..., Path]) -> None:
    there, back = band("there"), band("back", backwards=True)
    assert [(there / out).read_bytes() for out in OUTS] == [(back / out).read_bytes() for out in OUTS]


@pytest.mark.parametrize("tokenizer_name", ["base", "words"])
def test_slices_change_no_byte(
    band: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tokenizer_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = band("whole", tokenizer=tokenizer_name)
    said = capsys.readouterr().err
    monkeypatch.setattr(stages.band, "SLICE_TEXTS", 7)
    monkeypatch.setattr(stages.band, "read_slices", limit_slices)
    sliced = band("sliced", tokenizer=tokenizer_name)
    assert [(whole / out).read_bytes() for out in OUTS] == [(sliced / out).read_bytes() for out in OUTS]
    assert capsys.readouterr().err == said and sorted(path.name for path in sliced.iterdir()) == sorted(OUTS)


def limit_slices(path: Path, model: Any, columns: Sequence[str] = (), rows: int = 11) -> Iterator[pl.DataFrame]:
    return read_slices(path, model, columns, min(rows, 11))


def test_words_are_units_while_the_tokens_stay_the_model_s(band: Callable[..., Path]) -> None:
    base, words = band("base"), band("words", tokenizer="words", band="all")
    assert (base / "tokens.parquet").read_bytes() == (words / "tokens.parquet").read_bytes()
    assert read_table(words / "units.parquet", Units).rows()[:2] == [("00", "a"), ("00", "list")]
    bands = read_table(words / "bands.parquet", Bands)
    assert bands.filter(pl.col("token") == "the").rows() == [("the", "the", 20, "mid")]


def test_a_nearly_empty_band_is_a_warning_that_names_the_thresholds(
    band: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = band(low=1000, high=2000)
    assert "the mid band of the responses is nearly empty: change low 1000 or high 2000" in capsys.readouterr().err
    assert read_table(out / "units.parquet", Units).is_empty()


def test_units_of_another_tokenizer_than_the_model_s_are_told_in_a_line(
    band: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    band("words", tokenizer="words", band="all")
    lines = capsys.readouterr().err.splitlines()
    assert (
        "band response: the units are words at white space, not the tokens of the base model that is trained"
        in (lines[0].partition(" (")[0])
    )
    band("base")
    assert "not the tokens of the base model" not in capsys.readouterr().err
