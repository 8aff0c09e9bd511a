"""Shows how far a long loop is: a bar on a terminal, a plain line every 15 seconds in a log."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

Item = TypeVar("Item")
LINE_INTERVAL_SECONDS = 15


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.1f}/s")


def track_progress(items: Iterable[Item], label: str, total: int) -> Iterator[Item]:
    """Yield `items`, of which there are `total`; standard error says how many are done, how fast, how long to go."""
    shown = _bar if sys.stderr.isatty() else _lines
    return shown(items, label, total)


def _bar(items: Iterable[Item], label: str, total: int) -> Iterator[Item]:
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        for item in items:
            yield item
            bar.advance(task)


def _lines(items: Iterable[Item], label: str, total: int) -> Iterator[Item]:
    begin = shown = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if done == total or now - shown >= LINE_INTERVAL_SECONDS:
            rate = done / max(now - begin, 1e-9)
            print(f"{label}: {done}/{total}, {rate:.1f}/s, {(total - done) / rate:.0f} s left", file=sys.stderr)
            shown = now
