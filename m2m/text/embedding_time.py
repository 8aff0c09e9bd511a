"""Estimates how long embedding will take from a few batches of all lengths."""

import time
from typing import Any

import numpy as np

from m2m.text.embedder import embed_batch, order_by_length

PROBES = 12  # batches that are measured, from the shortest texts to the longest


def estimate_embedding_seconds(embedder: Any, texts: list[str], batch_size: int, probes: int = PROBES) -> float:
    """Seconds to embed `texts` in batches of `batch_size`.

    Batches hold texts of like length, and the longest take many times as long as the shortest. So `probes` batches
    are measured, evenly over the order of lengths, and the rest are interpolated. The first is run twice, because it
    also warms up.
    """
    begin = time.monotonic()
    order = order_by_length(embedder, texts)
    ordering = time.monotonic() - begin
    starts = np.arange(0, len(order), batch_size)
    if not len(starts):
        return 0.0
    measured = np.unique(np.linspace(0, len(starts) - 1, min(probes, len(starts))).round().astype(int))
    batches = [[texts[i] for i in order[starts[batch] : starts[batch] + batch_size]] for batch in measured]
    embed_batch(embedder, batches[0])
    seconds = [_measure(embedder, batch) for batch in batches]
    return ordering + float(np.interp(np.arange(len(starts)), measured, seconds).sum())


def _measure(embedder: Any, batch: list[str]) -> float:
    begin = time.monotonic()
    embed_batch(embedder, batch)
    return time.monotonic() - begin
