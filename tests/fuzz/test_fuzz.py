"""No damaged input ends in a traceback, a hang or a wrong count; what once did is replayed first."""

import os
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.__main__ import divide_cases, run_cases
from tests.fuzz.corpus import FILES, POOLS, read_pool, replay_values
from tests.fuzz.doors import DOORS

FEW, MANY = 600, 10_000


@pytest.mark.parametrize(("name", "contents", "read"), FILES.values(), ids=FILES)
def test_a_damaged_file_is_one_sentence_with_its_name(tmp_path: Path, name: str, contents: bytes, read: Any) -> None:
    (tmp_path / name).write_bytes(contents)
    with pytest.raises(ValueError, match=name) as error:
        read(tmp_path / name)
    assert len(str(error.value)) < 1000 and str(error.value).isprintable()


@pytest.mark.parametrize(("name", "contents", "rows"), POOLS.values(), ids=POOLS)
def test_every_record_of_a_damaged_pool_counts_once(tmp_path: Path, name: str, contents: bytes, rows: int) -> None:
    (tmp_path / name).write_bytes(contents)
    assert read_pool(tmp_path / name) == rows


def test_values_that_once_broke_a_reader_do_so_no_more() -> None:
    replay_values()


@pytest.mark.parametrize(("door", "cases"), list(divide_cases(FEW)))
def test_damaged_inputs_are_accepted_or_refused_in_a_sentence(door: str, cases: int) -> None:
    ends, faults = run_cases(door, range(cases))
    assert not faults and sum(ends.values()) == cases


@pytest.mark.long
@pytest.mark.parametrize(("door", "cases"), list(divide_cases(MANY)))
def test_ten_thousand_damaged_inputs_are_accepted_or_refused_in_a_sentence(door: str, cases: int) -> None:
    ends, faults = run_cases(door, range(FEW, FEW + cases))
    assert not faults and sum(ends.values()) == cases


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("params.yaml: 'utf-8' codec can't decode byte 0xf6", "no remedy"),
        ("it is damaged: run dvc repro", "no file"),
        ("", "no sentence"),
        ("params.yaml is damaged: run dvc repro", None),
    ],
)
def test_a_sentence_without_its_file_or_its_remedy_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, words: str, fault: str | None
) -> None:
    def refuse(_: object, folder: Path) -> None:
        (folder / "params.yaml").touch()
        raise ValueError(words)

    monkeypatch.setitem(DOORS, "tables", (refuse, 1))
    assert [text.split(": ")[1] for text in run_cases("tables", range(1))[1]] == ([fault] if fault else [])


def test_words_of_native_code_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DOORS, "tags", (lambda *_: os.write(2, b"thread panicked"), 1))
    assert run_cases("tags", range(1))[1] == ["tags 0: it wrote to stderr: b'thread panicked'"]


def test_a_fault_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("bug")

    monkeypatch.setitem(DOORS, "tags", (fail, 1))
    assert [fault.split(":")[1] for fault in run_cases("tags", range(2))[1]] == [" KeyError 'bug' (" + __file__] * 2
