"""What native code writes to stderr is dropped with its exception, and else written after the block."""

import os
from pathlib import Path

import polars as pl
import pytest

from m2m.runtime.artifacts import read_table
from m2m.runtime.held_stderr import hold_stderr
from m2m.schemas.subset import Subset


def test_words_of_a_block_that_ends_well_are_written_after_it(capfd: pytest.CaptureFixture[str]) -> None:
    with hold_stderr():
        os.write(2, b"a warning")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "a warning"


def test_words_before_an_exception_are_dropped_and_later_ones_are_seen(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="why"), hold_stderr():
        os.write(2, b"thread panicked")
        raise ValueError("why")
    os.write(2, b"later")
    assert capfd.readouterr().err == "later"


def test_no_cut_of_a_table_prints_a_panic(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "subset.parquet"
    pl.DataFrame({"id": ["a", "b"], "unit": ["u", "v"]}).write_parquet(path)
    whole = path.read_bytes()
    for place in range(4, len(whole) - 8, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) * 3 + whole[place + 3 :])
        with pytest.raises(ValueError, match="subset"):
            read_table(path, Subset)
    assert capfd.readouterr().err == ""
