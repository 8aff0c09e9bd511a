import atexit
import functools
import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from m2m.runtime.cli import list_names, run


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Other tests are to look for garbage as ever: what is never closed is a warning then."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    atexit.unregister(gc.freeze)


def stage(*, size: int) -> None:
    """Print its size."""
    if size < 0:
        raise ValueError(f"size must be at least 0, got {size}")
    print(f"size {size}")


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["stage", *words])
    run(stage)


def test_flags_reach_main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    call(monkeypatch, "--size", "3")
    assert capsys.readouterr().out == "size 3\n"


def test_a_broken_rule_ends_in_one_sentence_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"^error: size must be at least 0, got -1  \[test_cli.py:\d+; "):
        call(monkeypatch, "--size=-1")


def test_the_traceback_is_there_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEBACK", "1")
    with pytest.raises(ValueError, match="at least 0"):
        call(monkeypatch, "--size=-1")


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["stage"])

    def broken() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        run(broken)


@pytest.mark.parametrize(
    ("is_captured", "reason"), [(True, r"1: no such \[U\+001B\] ref"), (False, "1: its output above gives the reason")]
)
def test_a_program_that_fails_is_named_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, is_captured: bool, reason: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["stage"])
    code = "import sys; sys.exit('no such \\x1b ref')"
    with pytest.raises(SystemExit, match=f"^error: .*python.* ended with {reason}$"):
        run(lambda: subprocess.run([sys.executable, "-c", code], check=True, capture_output=is_captured))  # type: ignore[arg-type]


def test_what_a_library_says_of_a_file_is_one_sentence_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["stage"])
    (tmp_path / "no.parquet").write_text("no table")
    with pytest.raises(SystemExit, match=r"^error: .*TRACEBACK=1"):
        run(lambda: pl.read_parquet(tmp_path / "no.parquet"))  # type: ignore[arg-type]
    with pytest.raises(SystemExit, match=r"^error: .*TRACEBACK=1"):
        run(lambda: yaml.safe_load("<<<<<<< HEAD\na: 1"))


def test_the_parts_of_a_mapping_are_named_by_its_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["--sources.a-b.kind", "files", "--seed", "1", "--sources.c.id", "d.e", "--sources.c.kind", "hub"]
    monkeypatch.setattr(sys, "argv", ["x", *words])
    assert list_names("sources") == ["a-b", "c"]
    monkeypatch.setattr(sys, "argv", ["x", "--help"])
    assert list_names("sources") == ["NAME"]
    monkeypatch.setattr(sys, "argv", ["x"])
    assert list_names("sources") == []
    for name in ("my.pool", "my pool"):  # the blank ends the word
        monkeypatch.setattr(sys, "argv", f"x --sources.{name}.kind files".split())
        with pytest.raises(SystemExit, match=r"a name in sources may have letters, digits, - and _, got 'my"):
            list_names("sources")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "params.yaml"
    path.write_text(
        "other:\n  size: 1 # of another\n  seed: 1 # of chance\n\nstage: # of ours\n  size: 3 # of ours: rows\n"
    )
    return path


def test_help_explains_a_setting_in_the_words_of_its_own_block(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        call(monkeypatch, "--help")
    told = capsys.readouterr().out
    assert "of ours: rows" in told and "of another" not in told
    assert told.startswith("usage: python -m stage ")


@pytest.mark.parametrize(("others", "known"), [("", True), ("third:\n  seed: 2 # of luck\n", False)])
def test_help_explains_a_setting_of_another_block_where_only_one_can_be_meant(
    settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], others: str, known: bool
) -> None:
    settings.write_text(settings.read_text() + others)

    def main(other: Any, /, *, seed: int) -> None:
        """Draw."""

    monkeypatch.setattr(sys, "argv", ["stage", "--help"])
    with pytest.raises(SystemExit, match="0"):
        run(functools.partial(main, "path"))
    told = capsys.readouterr().out
    assert ("of chance" in told) is known and "Draw." in told


def test_a_switch_of_a_command_needs_no_value(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []

    def main(*, loud: bool = False) -> None:
        heard.append(loud)

    monkeypatch.setattr(sys, "argv", ["stage", "--loud"])
    run(main)
    assert heard == [True]


class OutOfMemoryError(RuntimeError):
    """As torch's."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "the memory of this machine is full: close other programs"),
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), "the memory of the GPU is full: lower the"),
    ],
)
def test_full_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["stage"])

    def fill() -> None:
        raise error

    with pytest.raises(SystemExit, match=f"error: {words}"):
        run(fill)


HOSTILE = "a\x1b[2J\x1b]0;title\x07\u202eb\x9bc"


def test_no_text_of_others_moves_the_terminals_cursor(tmp_path: Path) -> None:
    script = tmp_path / "stage.py"
    script.write_text(
        "from m2m.runtime.cli import run\n"
        f"def main(*, end: str) -> None:\n    print({HOSTILE!r})\n    raise ValueError({HOSTILE!r})\n"
        "run(main)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "utf-8"}
    ended = subprocess.run(
        [sys.executable, str(script), "--end", "now"],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
    )
    assert ended.stdout == "a[U+001B][2J[U+001B]]0;title[U+0007][U+202E]b[U+009B]c\n"
    assert ended.stderr.startswith("error: a[U+001B][2J") and not set(ended.stderr) & set("\x1b\x07\x9b\u202e")
