"""Shows the progress of a long loop: a bar on a terminal, a plain line every 15 seconds in a log."""

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
    """Yield `items`, `total` of them; standard error gets how many are done, the rate, and the time left."""
    show = _show_bar if sys.stderr.isatty() else _print_lines
    return show(items, label, total)


def _show_bar(items: Iterable[Item], label: str, total: int) -> Iterator[Item]:
    columns = (TextColumn(label), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total)
        for item in items:
            yield item
            bar.advance(task)


def _print_lines(items: Iterable[Item], label: str, total: int) -> Iterator[Item]:
    begin = last_print = time.monotonic()
    for count, item in enumerate(items, start=1):
        yield item
        clock = time.monotonic()
        if count == total or clock - last_print >= LINE_INTERVAL_SECONDS:
            rate = count / max(clock - begin, 1e-9)
            print(f"{label}: {count}/{total}, {rate:.1f}/s, {(total - count) / rate:.0f} s left", file=sys.stderr)
            last_print = clock
