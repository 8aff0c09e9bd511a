"""What native code writes to stderr is dropped with its exception, and else written after the block."""

import os
import random
from pathlib import Path

import pytest

from m2m.runtime.held_stderr import hold_stderr
from tests.fuzz.doors import enter_table


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


def test_a_table_that_makes_polars_panic_is_a_sentence_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"is damaged: .* Restore the file"):
        enter_table(random.Random("tables 225"), tmp_path)
    assert capfd.readouterr().err == ""
