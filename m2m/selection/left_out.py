"""Evaluation prompts, a number and examples of the user's → the rows that take no part, each with its reason."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Bool, Float64

from m2m.selection.quality import select_best
from m2m.selection.target_match import flag_like_examples


class Prefilter(NamedTuple):
    """Only the `share` of the rows that is most like a person's examples, by `strategy`, stays."""

    strategy: str
    share: float
    scores: Float64[np.ndarray, "rows examples"]


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
    prefilter: Prefilter | None = None,
) -> LeftOut:
    """Of the rows `inside` leave out the `overlapping`, and of the others all but the best `share` by `scores`.

    `overlapping` is None where such rows are kept, `scores` is None where nothing is chosen by `quality`, their name.
    Of what then stays, all but the share of `prefilter`.
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
    near = best
    if prefilter is not None:
        near = flag_like_examples(prefilter.scores, best, prefilter.share)
        summary |= {
            "prefilter": prefilter.strategy,
            "prefilter_share": float(prefilter.share),
            "rows_unlike_examples": int((best & ~near).sum()),
            "rows_without_match": int((near & (prefilter.scores <= 0).all(axis=1)).sum()),
        }
    reasons = pl.select(
        pl.when(pl.Series(inside & ~kept))
        .then(pl.lit("shares text with an evaluation prompt"))
        .when(pl.Series(kept & ~best))
        .then(pl.lit(f"is not among the best {share:.6g} by {quality!r}"))
        .when(pl.Series(best & ~near))
        .then(pl.lit(_describe_unlike(prefilter)))
        .alias("reason")
    )["reason"]
    return LeftOut(inside & ~near, reasons, summary, scores)


def _describe_unlike(prefilter: Prefilter | None) -> str:
    return f"is not among the {prefilter.share:.6g} most like the examples by {prefilter.strategy}" if prefilter else ""
