"""Which side of a split a text falls on, decided by a seeded hash of its content, never by its position."""

import hashlib
from collections.abc import Mapping

import polars as pl

from m2m.data.records.cleaning import fold_case


def draw_uniform(text: str, purpose: str, seed: int) -> float:
    """A number in [0, 1) that looks random, always the same for the same arguments; purposes are independent.

    >>> draw_uniform("a", "heldout", 0) == draw_uniform("a", "heldout", 0) != draw_uniform("a", "limit", 0)
    True
    """
    digest = hashlib.sha256(f"{seed}\0{purpose}\0{text}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def draw_each(column: str, purpose: str, seed: int) -> pl.Expr:
    """`draw_uniform` of each text of `column`."""
    return pl.col(column).map_elements(lambda text: draw_uniform(text, purpose, seed), return_dtype=pl.Float64)


def pick_heldout(rows: pl.DataFrame, share: float, seed: int) -> pl.Series:
    """True for the rows to hold out: about `share` of them, by the hash of `group`.

    Rows of one group, of one instruction or of one response stay together: where their hashes disagree they all go
    to the pool, so no answer and no question of a held-out row is in the pool. Compared without case and line breaks.
    """
    if share == 0:
        return pl.repeat(False, len(rows), eager=True).alias("held")
    linked = [pl.col("group"), fold_case(pl.col("instruction")), fold_case(pl.col("response"))]
    sides = rows.select(draw_each("group", "heldout", seed).lt(share).alias("held"), *linked)
    before = len(sides) + 1
    while (count := int(sides["held"].sum())) < before:  # each pass only takes away
        before = count
        for link in ("group", "instruction", "response"):
            sides = sides.with_columns(pl.col("held").all().over(link))
    return sides["held"]


def limit_rows(rows: pl.DataFrame, limits: Mapping[str, int | None], seed: int) -> pl.DataFrame:
    """`rows` with a reason where its source has a limit and at least that many rows that the hash of `id` prefers."""
    usable = pl.col("reason").is_null()
    rank = pl.when(usable).then(draw_each("id", "limit", seed)).rank("ordinal").over("source")
    limit = pl.col("source").replace_strict(dict(limits), return_dtype=pl.Int64)
    beyond = pl.format("beyond the limit of {} rows", limit)
    return rows.with_columns(pl.when(usable & (rank > limit)).then(beyond).otherwise("reason").alias("reason"))
