"""Pool and what an LLM wrote for each row → pairs with new responses, and the rows that got none."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from m2m.data.responses import explain_unusable


class Said(NamedTuple):
    """An LLM's reply to one row."""

    text: str
    finish: str  # the server's word for why it ended
    error: str  # why there is no reply; empty: there is one


def renewed(pool: pl.DataFrame, said: Sequence[Said]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`pool` with `response` new and `original` the pool's own; and id, reason, text of the rows without one.

    ValueError when no row has a response.
    """
    whys = [one.error or explain_unusable(one.text, one.finish) for one in said]
    texts = pl.Series("text", [one.text.strip() for one in said], dtype=pl.String)
    table = pool.with_columns(texts, pl.Series("reason", whys, dtype=pl.String))
    kept = table.filter(pl.col("reason") == "")
    if kept.is_empty():
        raise ValueError(
            f"no row got a response that can be used: {told(Counter(whys))}; see to the model or the prompt"
        )
    pairs = kept.with_columns(original="response", response="text").drop("text", "reason")
    return pairs, table.filter(pl.col("reason") != "").select("id", "reason", "text")


def told(reasons: Counter[str]) -> str:
    """Reasons and how often, the most frequent first.

    >>> told(Counter(["empty", "refused", "refused"]))
    '2 refused, 1 empty'
    """
    ordered = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    return ", ".join(f"{count} {reason}" for reason, count in ordered)
