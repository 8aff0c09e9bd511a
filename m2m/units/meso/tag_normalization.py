"""The four steps that turn tags into canonical tags, each a function from tags to what changes and why."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl
import regex as re  # type: ignore[import-untyped]  # whose letters may have vowel signs
from jaxtyping import Float32

Counts = dict[str, int]  # tag → rows that carry it


class TagChange(NamedTuple):
    """What becomes of a tag: another tag, or nothing; `why` is for reading."""

    into: str | None
    why: str


def drop_rare(counts: Counts, min_rows: int) -> dict[str, TagChange]:
    """Tags that fewer than `min_rows` rows carry are dropped."""
    few = {tag: count for tag, count in counts.items() if count < min_rows}
    return {tag: TagChange(None, f"in {count} rows, fewer than {min_rows}") for tag, count in few.items()}


def fold_spellings(counts: Counts) -> dict[str, TagChange]:
    """Tags that differ in case, special characters and endings alone become the most frequent of their spellings.

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
    best = _leaders(weight, stems)
    changes = {tag: TagChange(best[stems[plain]] or None, f"stem {stems[plain]!r}") for tag, plain in spelling.items()}
    return {tag: change for tag, change in changes.items() if change.into != tag}


def merge_near(counts: Counts, vectors: Float32[np.ndarray, "tags dim"], max_distance: float) -> dict[str, TagChange]:
    """Tags within cosine distance `max_distance`, also by way of tags between, become the most frequent of them.

    DBSCAN, where one neighbour is enough. `vectors`, of norm 1, are in the order of the sorted tags. `max_distance` is
    no similarity: at 0.95 nearly everything would be one tag.
    """
    from sklearn.cluster import DBSCAN

    tags = sorted(counts)
    if not tags:
        return {}
    group = dict(zip(tags, DBSCAN(eps=max_distance, min_samples=1, metric="cosine").fit_predict(vectors), strict=True))
    best, place = _leaders(counts, group), {tag: at for at, tag in enumerate(tags)}
    into = {tag: best[group[tag]] for tag in tags if best[group[tag]] != tag}
    distance = {tag: 1 - float(vectors[place[tag]] @ vectors[place[leader]]) for tag, leader in into.items()}
    return {tag: TagChange(leader, f"cosine distance {distance[tag]:.3f}") for tag, leader in into.items()}


def merge_associated(tags: pl.DataFrame, min_rows: int, min_confidence: float) -> dict[str, TagChange]:
    """A tag whose rows carry another, more frequent one too, to `min_confidence` of them, becomes that one.

    `tags` has the columns id, tag, no pair twice. Rules of one tag to one tag by FP-Growth (Han et al. 2000) over pairs
    that at least `min_rows` rows carry. Of several the surest is taken, then the most frequent, then the alphabet.
    """
    counts = dict(tags.group_by("tag").len().iter_rows())
    rules: dict[str, tuple[float, int, str]] = {}
    for pair, together in _pairs(tags, min_rows):
        many, few = sorted(pair, key=lambda tag: (-counts[tag], tag))
        sure = together / counts[few]
        if sure >= min_confidence:
            rules[few] = min(rules.get(few, (0.0, 0, "")), (-sure, -counts[many], many))
    return {tag: _followed(tag, rules, counts) for tag in sorted(rules)}


def _followed(tag: str, rules: dict[str, tuple[float, int, str]], counts: Counts) -> TagChange:
    """Rules lead to ever more frequent tags, so the way ends."""
    sure, _, into = rules[tag]
    while into in rules:
        into = rules[into][2]
    return TagChange(into, f"{-sure:.1%} of its {counts[tag]} rows carry {rules[tag][2]!r}")


def _pairs(tags: pl.DataFrame, min_rows: int) -> list[tuple[list[str], int]]:
    """Pairs of tags that at least `min_rows` rows carry, and in how many they are."""
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
    found = fpgrowth(frame, min_support=(min_rows - 0.5) / len(frame), max_len=2)  # it rounds up what it makes of this
    sets = [([names[int(column)] for column in itemset], support) for support, itemset in found.itertuples(index=False)]
    return [(pair, round(support * len(frame))) for pair, support in sets if len(pair) == 2]


def _leaders(counts: Counts, groups: Mapping[str, object]) -> dict[object, str]:
    """The most frequent tag of each group, ties by the alphabet."""
    return {groups[tag]: tag for tag in sorted(groups, key=lambda tag: (-counts[tag], tag), reverse=True)}
