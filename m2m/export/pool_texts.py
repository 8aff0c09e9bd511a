"""Shortens the texts of a pool until they fit into a page."""

import json
import zlib
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool

from m2m.runtime.visible_text import make_visible
from m2m.strategies import SIDES

# characters of each text that a page shows: of rows of a subset, and of other rows
LIMITS = (
    (4000, 4000), (4000, 1000), (2000, 500), (2000, 250), (1000, 160), (1000, 120), (800, 90), (600, 70),
    (500, 50), (400, 40), (350, 35), (300, 35), (300, 30), (250, 30), (200, 25), (200, 20), (100, 10), (50, 0), (0, 0),
)  # fmt: skip
SAMPLE = 4000  # rows whose packed size tells which limits are worth a try
MARGIN = 1.1  # a sample packs worse than the whole


class PageTexts(NamedTuple):
    """[instruction, response] of each row as compressed JSON, and how long they may be."""

    packed: bytes
    member_limit: int  # characters
    other_limit: int


def pack_json(value: object) -> bytes:
    """`value` as JSON, compressed in zlib's format, which browsers call "deflate"."""
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), 9)


def fit_texts(pool: pl.DataFrame, is_member: Bool[np.ndarray, "rows"], budget: int) -> PageTexts:
    """The texts of `pool`, as long as fit into `budget` bytes; those of `is_member` are cut last."""
    rows = pool.select(*SIDES, is_member=is_member)
    step = max(1, rows.height // SAMPLE)
    sample = rows.gather_every(step)
    for member_limit, other_limit in LIMITS:
        if len(_pack_texts(sample, member_limit, other_limit)) * step > budget * MARGIN:
            continue
        packed = _pack_texts(rows, member_limit, other_limit)
        if len(packed) <= budget:
            return PageTexts(packed, member_limit, other_limit)
    raise ValueError(f"a page for {pool.height:,} rows would be larger than 6 MB: make it of a sample of the pool")


def _pack_texts(rows: pl.DataFrame, member_limit: int, other_limit: int) -> bytes:
    limit = pl.when("is_member").then(member_limit).otherwise(other_limit)
    shortened = rows.select(
        pl.when(pl.col(side).str.len_chars() > limit)
        .then(pl.col(side).str.slice(0, limit) + "…")
        .otherwise(pl.col(side))
        .alias(side)
        for side in SIDES
    )
    return pack_json([[make_visible(text) for text in row] for row in shortened.iter_rows()])
