"""Prints what a benchmark saw: a table row for people, a line of JSON for programs."""

import json
import resource
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def timed(call: Callable[[], Result]) -> tuple[Result, float]:
    """What `call` returns, and the seconds that it took."""
    begin = time.perf_counter()
    return call(), time.perf_counter() - begin


def header() -> None:
    print(
        "| case | rows | seconds | peer | peer's seconds | ratio | peak |\n|---|---:|---:|---|---:|---:|---:|",
        flush=True,
    )


def show(case: str, rows: int, seconds: float, peer: str | None = None, peer_seconds: float | None = None) -> None:
    """One case; `ratio` is the peer's seconds over ours, `peak` the most memory that this process has held so far."""
    ratio = peer_seconds / seconds if peer_seconds else None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    comparison = f"{peer_seconds:.2f} s | {ratio:,.1f} ×" if peer_seconds else "– | –"
    print(f"| {case} | {rows:,} | {seconds:.3f} s | {peer or '–'} | {comparison} | {peak:,.0f} MB |")
    keys = ("case", "rows", "seconds", "peer", "peer_seconds", "ratio", "peak_mb")
    values = (case, rows, seconds, peer, peer_seconds, ratio, peak)
    print(json.dumps(dict(zip(keys, values, strict=True)), ensure_ascii=False), flush=True)
