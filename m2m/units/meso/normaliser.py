"""Turns raw tags into the table tag → canonical tag, with the step that last changed each and why."""

from collections.abc import Callable

import numpy as np
import polars as pl
from jaxtyping import Float32

from m2m.units.meso.tag_normalization import TagChange, drop_rare, fold_spellings, merge_associated, merge_near


def normalize_tags(
    tags: pl.DataFrame,
    vectors_of: Callable[[list[str]], Float32[np.ndarray, "tags dim"]],
    *,
    min_rows: int,
    max_distance: float,
    min_support: int,
    min_confidence: float,
) -> pl.DataFrame:
    """One row a tag of `tags` (columns id, tag; no pair twice): tag, count, canonical (null: dropped), step, why.

    The steps of InsTag (Lu et al. 2023) in its order: frequency, rule, semantic, association; each sees what the one
    before has left and counts rows anew. `vectors_of` gives texts vectors of norm 1, unless `max_distance` is 0.
    """
    canon = tags.group_by("tag").len("count").sort("tag")
    canon = canon.with_columns(pl.col("count").cast(pl.Int64), canonical="tag", step=pl.lit("kept"), why=pl.lit(""))
    canon = _changed(canon, "frequency", drop_rare(_counts(apply_canonical_tags(tags, canon)), min_rows))
    canon = _changed(canon, "rule", fold_spellings(_counts(apply_canonical_tags(tags, canon))))
    if max_distance > 0:
        counts = _counts(apply_canonical_tags(tags, canon))
        canon = _changed(canon, "semantic", merge_near(counts, vectors_of(sorted(counts)), max_distance))
    return _changed(
        canon, "association", merge_associated(apply_canonical_tags(tags, canon), min_support, min_confidence)
    )


def apply_canonical_tags(tags: pl.DataFrame, canon: pl.DataFrame) -> pl.DataFrame:
    """The columns id, tag, sorted: which row carries which canonical tag; a row without any is left out."""
    live = tags.join(canon.select("tag", "canonical"), on="tag").drop_nulls("canonical")
    return live.select("id", tag="canonical").unique().sort("id", "tag")


def _counts(tags: pl.DataFrame) -> dict[str, int]:
    return dict(tags.group_by("tag").len().iter_rows())


def _changed(canon: pl.DataFrame, step: str, changes: dict[str, TagChange]) -> pl.DataFrame:
    """`canon` after `changes` to its canonical tags."""
    into = pl.DataFrame(
        {
            "canonical": list(changes),
            "into": [change.into for change in changes.values()],
            "reason": [change.why for change in changes.values()],
        },
        schema={"canonical": pl.String, "into": pl.String, "reason": pl.String},
    )
    joined = canon.join(into, on="canonical", how="left", maintain_order="left")
    touched = pl.col("reason").is_not_null()
    return joined.select(
        "tag",
        "count",
        canonical=pl.when(touched).then("into").otherwise("canonical"),
        step=pl.when(touched).then(pl.lit(step)).otherwise("step"),
        why=pl.when(touched).then("reason").otherwise("why"),
    )
