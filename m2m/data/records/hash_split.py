"""Which side of a split a text falls on, decided by a seeded hash of its content, never by its position."""

import hashlib
from collections.abc import Mapping

import polars as pl

from m2m.data.records.cleaning import TEXT_COLUMNS, fold_case

SLICE_ROWS = 20_000  # rows whose texts are folded at once


def draw_uniform(text: str, purpose: str, seed: int) -> float:
    """A number in [0, 1) that looks random, always the same for the same arguments; purposes are independent.

    >>> draw_uniform("a", "heldout", 0) == draw_uniform("a", "heldout", 0) != draw_uniform("a", "limit", 0)
    True
    """
    digest = hashlib.sha256(f"{seed}\0{purpose}\0{text}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48


def draw_each(text: pl.Expr, purpose: str, seed: int) -> pl.Expr:
    """`draw_uniform` of each `text`."""
    return text.map_elements(lambda text: draw_uniform(text, purpose, seed), return_dtype=pl.Float64)


def pick_heldout(rows: pl.DataFrame, share: float, seed: int) -> pl.Series:
    """True for the rows to hold out: about `share` of them, by the hash of `group`.

    Rows of one group, of one instruction or of one response stay together: where their hashes disagree they all go
    to the pool, so no answer and no question of a held-out row is in the pool. Compared without case and line breaks.
    """
    if share == 0 or rows.is_empty():
        return pl.repeat(False, len(rows), eager=True).alias("held")
    sides = pl.concat(_hash_links(piece, share, seed) for piece in rows.iter_slices(SLICE_ROWS))
    before = len(sides) + 1
    while (count := int(sides["held"].sum())) < before:  # each pass only takes away
        before = count
        for link in ("group", *TEXT_COLUMNS):
            sides = sides.with_columns(pl.col("held").all().over(link))
    return sides["held"]


def _hash_links(rows: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """The side that the hash of each row chooses, and its links as 64-bit hashes: folded copies would double a pool."""
    folded = {name: fold_case(pl.col(name)) for name in TEXT_COLUMNS}
    group = pl.coalesce("group", folded["instruction"])
    links = [link.hash().alias(name) for name, link in {"group": group, **folded}.items()]
    held = draw_each(group, "heldout", seed).lt(share).alias("held")
    return rows.select(held, *links)


def limit_rows(rows: pl.DataFrame, limits: Mapping[str, int | None], seed: int) -> pl.DataFrame:
    """`rows` with a reason where its source has a limit and at least that many rows that the hash of `id` prefers."""
    usable = pl.col("reason").is_null()
    rank = pl.when(usable).then(draw_each(pl.col("id"), "limit", seed)).rank("ordinal").over("source")
    limit = pl.col("source").replace_strict(dict(limits), return_dtype=pl.Int64)
    beyond = pl.format("beyond the limit of {} rows", limit)
    return rows.with_columns(pl.when(usable & (rank > limit)).then(beyond).otherwise("reason").alias("reason"))
