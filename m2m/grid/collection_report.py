"""What a study's folder was made from, and what was left out, in lines for a person."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from m2m.grid.collection import REQUIRED


def write_cell_count(count: int) -> str:
    """As "1 cell" or "2 cells"."""
    return f"{count} cell" if count == 1 else f"{count} cells"


def report_counts(grid: pl.DataFrame, kinds: Mapping[str, str], hardware: str | None) -> str:
    """The cells of each provenance; `kinds` maps those of today's code to their hardware, "" for this machine's.

    Those of `hardware` come first; for None those of this machine, or without any the most frequent kind.
    """
    counts = Counter(grid["provenance"].to_list())
    by_kind = {kind: name for name, kind in kinds.items()}
    frequent = min(by_kind, key=lambda kind: (-counts[by_kind[kind]], kind))
    kind = hardware if hardware is not None else "" if counts[by_kind[""]] else frequent
    current_hash = by_kind[kind]
    different = [(name, count) for name, count in counts.most_common() if name != current_hash]
    separate = [f"{count} of {name}{_name_kind(kinds.get(name, ''))}" for name, count in different]
    text = (
        f"{write_cell_count(counts[current_hash])} of this code, data and settings ({current_hash}){_name_kind(kind)}"
    )
    return text + (f"; counted separately, other cells: {', '.join(separate)}" if separate else "")


def _name_kind(kind: str) -> str:
    return f" on {kind}" if kind else ""


def report_other_hardware(count: int, hardware: str | None) -> Iterator[str]:
    """The cells that ran on other kinds of hardware than this one."""
    if count:
        yield f"left out: {write_cell_count(count)} that did not run on {hardware}"


def report_left_out(rows: Sequence[Any], measured: Sequence[Any], compared: Sequence[Any]) -> Iterator[str]:
    """Of `rows` the cells without a metric that a study needs, and of those `measured` the ones of other code."""
    if len(measured) < len(rows):
        absent = ", ".join(sorted({name for row in rows for name in set(REQUIRED) - set(row)}))
        yield f"left out: {write_cell_count(len(rows) - len(measured))} whose metrics lack {absent}"
    if len(compared) < len(measured):
        yield f"left out: {write_cell_count(len(measured) - len(compared))} of other code, data or settings"


def report_repeated(count: int) -> Iterator[str]:
    """The second and later copies of a cell, which would pass for replicates."""
    if count:
        yield f"left out: {count} repeats of cells that were run more than once"


def report_gaps(cell_count: int, scores: Sequence[pl.DataFrame]) -> Iterator[str]:
    """The cells without answers in DVC's cache, and those that no interval over prompts can be drawn from."""
    if count := cell_count - len(scores):
        yield f"no scores, as their answers are not in DVC's cache: {write_cell_count(count)}; run dvc exp pull"
    if silent := sum(table.is_empty() for table in scores):
        yield f"no intervals over prompts, for want of a likelihood or a verdict: {write_cell_count(silent)}"
