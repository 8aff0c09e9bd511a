"""A message of DVC's queue that a kill cut short blocks no later grid, and its cell is queued again."""

from pathlib import Path
from typing import Any

import pytest

from m2m.grid import dvc_queue
from m2m.grid.queued_commit import write_snapshot
from m2m.preflight import queue_messages
from m2m.preflight.queue_messages import restore_queue
from tests.grid.test_queued_commit import clone, git

__all__ = ["clone"]  # the fixture
STASH = ("log", "--walk-reflogs", "--format=%H", "refs/exps/celery/stash", "--")


@pytest.fixture
def messages(clone: Path) -> list[Path]:
    """Those of two cells."""
    for number in (1, 2):
        dvc_queue.put(write_snapshot(), f"cell-{number}", [f"x={number + 2}"])
    return sorted((clone / ".dvc/tmp/exps/celery/broker/in").glob("*.msg"))


@pytest.mark.parametrize("length", [0, 1, 500])
def test_a_message_that_is_cut_is_moved_away_and_its_cell_dropped(clone: Path, messages: Any, length: int) -> None:
    entries = dvc_queue.list_entries()
    text = messages[0].read_bytes()
    lost = next(entry for entry in entries if entry.key in (queue_messages._decode_body(messages[0]) or ""))
    messages[0].write_bytes(text[:length])
    moved, dropped = restore_queue()
    assert moved.endswith(f"It is moved to .cache/kept/{messages[0].name}.1.")
    assert dropped.startswith("DVC's queue had 1 cells without a message. They are dropped")
    assert (clone / f".cache/kept/{messages[0].name}.1").read_bytes() == text[:length]
    [left] = dvc_queue.list_entries()
    assert {left, lost} == set(entries) and git(clone, *STASH) == left.key
    assert list(restore_queue()) == []


def test_whole_messages_stay_also_where_one_is_in_a_code_of_another_dvc(clone: Path, messages: Any) -> None:
    assert list(restore_queue()) == []
    for path in messages:
        path.write_text('{"body": "%"}')
    assert list(restore_queue()) == [] and len(git(clone, *STASH).split()) == 2


@pytest.mark.parametrize("busy", ["is_at_work", "_has_workers"])
def test_beside_a_worker_or_a_command_nothing_is_touched(
    messages: Any, busy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages[0].write_bytes(b"")
    monkeypatch.setattr(queue_messages, busy, lambda: True)
    assert list(restore_queue()) == [] and messages[0].exists()
