"""Overlaps with evaluation prompts and a number of the user's → the rows that take no part, each with its reason."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float64

from m2m.selection.quality import select_best


class LeftOut(NamedTuple):
    """`rows` take no part; `reasons` says why, null for the others; `summary` has the settings and the counts."""

    rows: Bool[np.ndarray, "rows"]
    reasons: pl.Series
    summary: dict[str, Any]
    """keys of schema SubsetSummary; empty where no setting asks"""
    scores: Float64[np.ndarray, "rows"] | None = None
    """the numbers that rows were left out by, for strategies that choose by them too"""


def leave_out_rows(
    inside: Bool[np.ndarray, "rows"],
    overlapping: Bool[np.ndarray, "rows"] | None,
    scores: Float64[np.ndarray, "rows"] | None,
    quality: str,
    share: float,
) -> LeftOut:
    """Of the rows `inside` leave out the `overlapping`, and of the others all but the best `share` by `scores`.

    `overlapping` is None where such rows are kept, `scores` is None where nothing is chosen by `quality`, their name.
    """
    summary: dict[str, Any] = {}
    kept = inside
    if overlapping is not None:
        summary |= {"overlap": "drop", "overlapping_rows_dropped": int((inside & overlapping).sum())}
        kept = inside & ~overlapping
    best = kept
    if scores is not None:
        best = select_best(scores, kept, share)
        summary |= {
            "quality": quality,
            "quality_share": float(share),
            "rows_without_quality": int((kept & np.isnan(scores)).sum()),
            "rows_below_quality": int((kept & ~best).sum()),
        }
    reasons = pl.select(
        pl.when(pl.Series(inside & ~kept))
        .then(pl.lit("shares text with an evaluation prompt"))
        .when(pl.Series(kept & ~best))
        .then(pl.lit(f"is not among the best {share:.6g} by {quality!r}"))
        .alias("reason")
    )["reason"]
    return LeftOut(inside & ~best, reasons, summary, scores)
