"""Shortens the texts of a pool until they fit into a page, and makes characters visible that hide or reorder text."""

import json
import zlib
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool

from m2m.strategies import SIDES

# characters of each text that a page shows: of rows of a subset, and of other rows
LIMITS = (
    (4000, 4000), (4000, 1000), (2000, 500), (2000, 250), (1000, 160), (1000, 120), (800, 90), (600, 70),
    (500, 50), (400, 40), (300, 30), (200, 20), (100, 10), (50, 0), (0, 0),
)  # fmt: skip
BEST_RATIO = 5  # deflate makes text at most about so many times smaller: what is larger is not tried
HIDDEN_RANGES = (
    (0x00, 0x08), (0x0B, 0x1F), (0x7F, 0x9F), (0x61C, 0x61C), (0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E),
    (0x2060, 0x206F), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F),
)  # fmt: skip
VISIBLE = {code: f"[U+{code:04X}]" for low, high in HIDDEN_RANGES for code in range(low, high + 1)}
VISIBLE[0x0D] = ""  # of a line end


class PageTexts(NamedTuple):
    """[instruction, response] of each row as compressed JSON, and how long they may be."""

    packed: bytes
    member_limit: int  # characters
    other_limit: int


def make_visible(text: str) -> str:
    """`text` with its control and direction characters, and those of no width, spelled out; joiners stay.

    >>> make_visible("a\\u202eb")
    'a[U+202E]b'
    """
    return text.translate(VISIBLE)


def pack_json(value: object) -> bytes:
    """`value` as JSON, compressed in zlib's format, which browsers call "deflate"."""
    return zlib.compress(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), 9)


def fit_texts(pool: pl.DataFrame, is_member: Bool[np.ndarray, "rows"], budget: int) -> PageTexts:
    """The texts of `pool`, as long as fit into `budget` bytes; those of `is_member` are cut last."""
    member = pl.lit(pl.Series("is_member", is_member))
    sizes = pool.select(pl.col(side).str.len_bytes() for side in SIDES)
    for member_limit, other_limit in LIMITS:
        limit = pl.when(member).then(member_limit).otherwise(other_limit)
        least = sizes.select(pl.min_horizontal(pl.col(side), limit).sum() for side in SIDES)
        if sum(least.row(0)) > budget * BEST_RATIO:
            continue
        cut = pool.select(_cut(side, limit) for side in SIDES)
        packed = pack_json([[make_visible(text) for text in row] for row in cut.iter_rows()])
        if len(packed) <= budget:
            return PageTexts(packed, member_limit, other_limit)
    raise ValueError(f"a page for {pool.height:,} rows would be larger than 6 MB: make it of a sample of the pool")


def _cut(side: str, limit: pl.Expr) -> pl.Expr:
    text = pl.col(side)
    return pl.when(text.str.len_chars() > limit).then(text.str.slice(0, limit) + "…").otherwise(text).alias(side)
