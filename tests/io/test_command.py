import sys

import pytest

from stages.io.command import run


def stage(*, size: int) -> None:
    if size < 0:
        raise ValueError(f"size must be at least 0, got {size}")
    print(f"size {size}")


def call(monkeypatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["stage", *words])
    run(stage)


def test_flags_reach_main(monkeypatch, capsys):
    call(monkeypatch, "--size", "3")
    assert capsys.readouterr().out == "size 3\n"


def test_a_broken_rule_ends_in_one_sentence_with_its_place(monkeypatch):
    with pytest.raises(SystemExit, match=r"^error: size must be at least 0, got -1  \[test_command.py:\d+; "):
        call(monkeypatch, "--size=-1")


def test_the_traceback_is_there_for_who_asks(monkeypatch):
    monkeypatch.setenv("TRACEBACK", "1")
    with pytest.raises(ValueError, match="at least 0"):
        call(monkeypatch, "--size=-1")


def test_a_mistake_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stage"])

    def broken() -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        run(broken)
