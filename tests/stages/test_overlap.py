"""overlap: a table for a person to judge, and the counts in a line."""

from pathlib import Path

import polars as pl
import pytest

from m2m.runtime.artifacts import read_table, write_table
from m2m.schemas.overlaps import Overlaps
from m2m.schemas.pairs import Pairs
from m2m.schemas.prompts import Prompts
from stages.overlap import main


def test_rows_that_share_text_with_a_prompt_are_counted_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = {"instruction": ["What is red?", "Why?", "x"], "response": ["A colour.", "So.", "what IS red"]}
    pairs = pl.DataFrame({"id": ["a", "b", "c"], "source": "s", **texts, "original": None})
    write_table(tmp_path / "pairs.parquet", Pairs, pairs.cast({"original": pl.String}))
    absent = dict.fromkeys(("reference", "baseline", "baseline_answer"))
    asked = pl.DataFrame({"id": ["p", "q"], "benchmark": "own", "instruction": ["What is red?", "Blue?"], **absent})
    write_table(tmp_path / "prompts.parquet", Prompts, asked.cast(dict.fromkeys(absent, pl.String)))
    main(*(tmp_path / f"{name}.parquet" for name in ("pairs", "prompts", "overlaps")))
    table = read_table(tmp_path / "overlaps.parquet", Overlaps)
    assert table.select("id", "prompt", "kind").rows() == [("a", "p", "exact"), ("c", "p", "exact")]
    assert "overlap: 2 of 3 rows share text with 1 of 2 evaluation prompts, see" in capsys.readouterr().err
