"""Normalises raw tags in four steps to canonical tags, with the step that last changed each tag and why."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
import regex as re  # type: ignore[import-untyped]  # whose letters may have vowel signs
from jaxtyping import Float32

Counts = dict[str, int]  # tag → rows that carry it


class TagChange(NamedTuple):
    """The tag that replaces a tag, or None to drop it; `why` is for people."""

    into: str | None
    why: str


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

    The steps of InsTag (Lu et al. 2023) in its order: frequency, rule, semantic, association. Each gets the tags that
    the step before has left, and counts rows again. `vectors_of` gives vectors of norm 1, unless `max_distance` is 0.
    """
    canon = tags.group_by("tag").len("count").sort("tag")
    canon = canon.with_columns(pl.col("count").cast(pl.Int64), canonical="tag", step=pl.lit("kept"), why=pl.lit(""))
    canon = _apply(canon, "frequency", drop_rare(_count_rows(apply_canonical_tags(tags, canon)), min_rows))
    canon = _apply(canon, "rule", fold_spellings(_count_rows(apply_canonical_tags(tags, canon))))
    if max_distance > 0:
        counts = _count_rows(apply_canonical_tags(tags, canon))
        canon = _apply(canon, "semantic", merge_near(counts, vectors_of(sorted(counts)), max_distance))
    return _apply(
        canon, "association", merge_associated(apply_canonical_tags(tags, canon), min_support, min_confidence)
    )


def apply_canonical_tags(tags: pl.DataFrame, canon: pl.DataFrame) -> pl.DataFrame:
    """The columns id, tag, sorted: which row carries which canonical tag; rows without any are left out."""
    live = tags.join(canon.select("tag", "canonical"), on="tag").drop_nulls("canonical")
    return live.select("id", tag="canonical").unique().sort("id", "tag")


def drop_rare(counts: Counts, min_rows: int) -> dict[str, TagChange]:
    """Drop the tags that fewer than `min_rows` rows carry."""
    dropped = {tag: count for tag, count in counts.items() if count < min_rows}
    return {tag: TagChange(None, f"in {count} rows, fewer than {min_rows}") for tag, count in dropped.items()}


def fold_spellings(counts: Counts) -> dict[str, TagChange]:
    """Replace tags that differ only in case, special characters and endings by their most frequent spelling.

    Lower case, special characters to spaces, the stem of each word (Snowball, English). A tag without a letter or a
    digit is dropped. Known limit: "c", "c++" and "C#" become one.
    """
    from snowballstemmer import stemmer

    spelling = {tag: " ".join(re.findall(r"[\p{L}\p{N}][\p{L}\p{M}\p{N}]*", tag.lower())) for tag in counts}
    stem_words = stemmer("english").stemWords
    stems = {plain: " ".join(stem_words(plain.split())) for plain in spelling.values()}
    weight: Counts = {}
    for tag, plain in spelling.items():
        weight[plain] = weight.get(plain, 0) + counts[tag]
    best = _find_leaders(weight, stems)
    changes = {tag: TagChange(best[stems[plain]] or None, f"stem {stems[plain]!r}") for tag, plain in spelling.items()}
    return {tag: change for tag, change in changes.items() if change.into != tag}


def merge_near(counts: Counts, vectors: Float32[np.ndarray, "tags dim"], max_distance: float) -> dict[str, TagChange]:
    """Replace tags within cosine distance `max_distance`, also through tags in between, by the most frequent of them.

    DBSCAN with one neighbour. `vectors`, of norm 1, are in the order of the sorted tags. `max_distance` is a distance,
    not a similarity: at 0.95 nearly all tags would be one.
    """
    from sklearn.cluster import DBSCAN

    tags = sorted(counts)
    if not tags:
        return {}
    group = dict(zip(tags, DBSCAN(eps=max_distance, min_samples=1, metric="cosine").fit_predict(vectors), strict=True))
    best, place = _find_leaders(counts, group), {tag: number for number, tag in enumerate(tags)}
    into = {tag: best[group[tag]] for tag in tags if best[group[tag]] != tag}
    distance = {tag: 1 - float(vectors[place[tag]] @ vectors[place[leader]]) for tag, leader in into.items()}
    return {tag: TagChange(leader, f"cosine distance {distance[tag]:.3f}") for tag, leader in into.items()}


def merge_associated(tags: pl.DataFrame, min_rows: int, min_confidence: float) -> dict[str, TagChange]:
    """Replace a tag by a more frequent one that at least `min_confidence` of its rows carry too.

    `tags` has the columns id, tag, no pair twice. Rules of one tag to one tag by FP-Growth (Han et al. 2000) over pairs
    that at least `min_rows` rows carry. Of several rules the most confident counts, then that to the most frequent tag,
    then the alphabet.
    """
    counts = dict(tags.group_by("tag").len().iter_rows())
    rules: dict[str, tuple[float, int, str]] = {}
    for pair, together in _find_pairs(tags, min_rows):
        frequent, rarer = sorted(pair, key=lambda tag: (-counts[tag], tag))
        confidence = together / counts[rarer]
        if confidence >= min_confidence:
            rules[rarer] = min(rules.get(rarer, (0.0, 0, "")), (-confidence, -counts[frequent], frequent))
    return {tag: _follow(tag, rules, counts) for tag in sorted(rules)}


def _follow(tag: str, rules: dict[str, tuple[float, int, str]], counts: Counts) -> TagChange:
    """Rules lead to ever more frequent tags, so the loop ends."""
    confidence, _, into = rules[tag]
    while into in rules:
        into = rules[into][2]
    return TagChange(into, f"{-confidence:.1%} of its {counts[tag]} rows carry {rules[tag][2]!r}")


def _find_pairs(tags: pl.DataFrame, min_rows: int) -> list[tuple[list[str], int]]:
    """Pairs of tags that at least `min_rows` rows carry, and the number of these rows."""
    import pandas as pd
    from mlxtend.frequent_patterns import fpgrowth
    from scipy.sparse import csr_array

    if tags["id"].n_unique() < min_rows:
        return []
    names = tags["tag"].unique().sort()
    rows = tags["id"].rank("dense").to_numpy() - 1
    columns = tags["tag"].cast(pl.Enum(names)).to_physical().to_numpy()
    carried = csr_array((np.ones(len(rows), bool), (rows, columns)))
    frame = pd.DataFrame.sparse.from_spmatrix(carried, columns=range(len(names)))
    itemsets = fpgrowth(frame, min_support=(min_rows - 0.5) / len(frame), max_len=2)  # it rounds the product up
    named = [
        ([names[int(column)] for column in itemset], support) for support, itemset in itemsets.itertuples(index=False)
    ]
    return [(pair, round(support * len(frame))) for pair, support in named if len(pair) == 2]


def _find_leaders(counts: Counts, groups: Mapping[str, object]) -> dict[object, str]:
    """The most frequent tag of each group, ties by the alphabet."""
    return {groups[tag]: tag for tag in sorted(groups, key=lambda tag: (-counts[tag], tag), reverse=True)}


def _count_rows(tags: pl.DataFrame) -> dict[str, int]:
    return dict(tags.group_by("tag").len().iter_rows())


def _apply(canon: pl.DataFrame, step: str, changes: dict[str, TagChange]) -> pl.DataFrame:
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
    is_changed = pl.col("reason").is_not_null()
    return joined.select(
        "tag",
        "count",
        canonical=pl.when(is_changed).then("into").otherwise("canonical"),
        step=pl.when(is_changed).then(pl.lit(step)).otherwise("step"),
        why=pl.when(is_changed).then("reason").otherwise("why"),
    )
