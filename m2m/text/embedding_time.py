"""Estimates how long embedding will take from a few batches of all lengths."""

import time
from typing import Any

import numpy as np

from m2m.text.embedder import embed_batch, measure_lengths, order_by_length

PROBES = 12  # batches that are measured, from the shortest texts to the longest


def estimate_embedding_seconds(embedder: Any, texts: list[str], batch_size: int, probes: int = PROBES) -> float:
    """Seconds to embed `texts` in batches of `batch_size`.

    Batches hold texts of like length, and the longest take many times as long as the shortest. So up to `probes`
    batches are measured, half of them evenly over the batches and half over the lengths. The others are interpolated by
    their longest text. The first is run twice, because it also warms up.
    """
    begin = time.monotonic()
    lengths = measure_lengths(embedder, texts)
    order = order_by_length(texts, lengths)
    counting = time.monotonic() - begin
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if not batches:
        return 0.0
    longest = np.array([lengths[batch[-1]] for batch in batches])
    by_rank = np.linspace(0, len(batches) - 1, probes // 2).round().astype(int)
    by_length = longest.searchsorted(np.linspace(longest[0], longest[-1], probes - probes // 2))
    measured = np.unique([*by_rank, *by_length])
    embed_batch(embedder, [texts[i] for i in batches[0]])
    seconds = np.array([_measure(embedder, [texts[i] for i in batches[batch]]) for batch in measured])
    of_length = np.unique(longest[measured])  # batches of one length are averaged
    means = [seconds[longest[measured] == length].mean() for length in of_length]
    full = longest[:-1] if len(batches[-1]) < batch_size and len(batches) > 1 else longest
    short = seconds[-1] if len(full) < len(longest) else 0.0
    return counting + short + float(np.interp(full, of_length, means).sum())


def _measure(embedder: Any, batch: list[str]) -> float:
    begin = time.monotonic()
    embed_batch(embedder, batch)
    return time.monotonic() - begin
