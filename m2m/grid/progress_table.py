"""Shows the progress of a grid: a live table on a terminal, in a log a line at each change."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.live import Live
from rich.table import Table


class Tally(NamedTuple):
    """Counts of cells by state; `running` maps each running cell to its seconds so far."""

    finished: int
    queued: int
    running: Mapping[str, float]
    failed: int
    seconds_left: float

    @property
    def line(self) -> str:
        """The tally as one line."""
        running = ", ".join(f"{name} ({format_duration(seconds)})" for name, seconds in self.running.items())
        counts = f"{self.finished} done, {len(self.running)} running, {self.queued} queued, {self.failed} failed"
        return f"grid: {counts}, about {format_duration(self.seconds_left)} left" + (f"; {running}" if running else "")


def count_cells(
    total: int, finished: int, failed: int, running: Mapping[str, float], durations: Sequence[float], slots: int
) -> Tally:
    """The tally of `total` cells on `slots` workers, at the pace of those that ended in `durations` seconds.

    `running` maps each running cell to its seconds so far.
    """
    waiting, seconds = total - finished - len(running) - failed, median(durations)
    left = waiting * seconds + sum(max(0.0, seconds - age) for age in running.values())
    return Tally(finished, waiting, running, failed, left / slots)


class ProgressBoard:
    """Shows one tally after the other."""

    def __init__(self, live: Live | None, label: str = "") -> None:
        self.live, self.label = live, label
        self.shown: tuple[object, ...] = ()

    def show(self, tally: Tally) -> None:
        """Show `tally`; in a log only if a count has changed."""
        counts = (tally.finished, tally.queued, *tally.running, tally.failed)
        if self.live:
            self.live.update(_table(tally, self.label))
        elif counts != self.shown:
            print(f"{time.strftime('%H:%M:%S')} {tally.line}", flush=True)
        self.shown = counts


@contextmanager
def open_board(label: str = "") -> Iterator[ProgressBoard]:
    """A board on standard output; `label` is the rung of a staged grid, which stands above the table."""
    if not sys.stdout.isatty():
        yield ProgressBoard(None)
        return
    with Live(console=Console(file=sys.__stdout__), refresh_per_second=2) as live:
        yield ProgressBoard(live, label)


def follow_progress(look: Callable[[], bool], tally: Callable[[], Tally], pause: float, label: str) -> None:
    """Show the tally after each `look`, every `pause` seconds, until a look says that nothing is left to do."""
    with open_board(label) as board:
        while look():
            board.show(tally())
            time.sleep(pause)
        board.show(tally())


def format_duration(seconds: float) -> str:
    """A duration in words: 45 s, 12 min, 2 h 05 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def _table(tally: Tally, label: str) -> Table:
    table = Table("done", "running", "queued", "failed", "left", title=f"grid, {label}" if label else "grid")
    counts = (tally.finished, len(tally.running), tally.queued, tally.failed)
    table.add_row(*map(str, counts), format_duration(tally.seconds_left))
    for name, seconds in tally.running.items():
        table.add_row("", name, "", "", format_duration(seconds))
    return table
