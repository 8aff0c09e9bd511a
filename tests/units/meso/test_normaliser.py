"""A toy pool in which each step has one known thing to do."""

import numpy as np
import polars as pl

from m2m.units.meso.normaliser import apply_canonical_tags, normalize_tags

VECTORS = {"arrays": (1, 0), "ndarray": (1, 0.1), "plot": (0, 1), "axes": (-1, 0), "figure": (-1, -1)}


def vectors_of(tags: list[str]) -> np.ndarray:
    vectors = np.array([VECTORS[tag] for tag in tags], np.float32).reshape(len(tags), 2)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def toy() -> pl.DataFrame:
    carriers = {"array": range(3), "Arrays": range(3, 10), "ndarray": range(10, 14), "once": [0], "plot": range(20, 30)}
    carriers |= {"axes": range(20, 24), "figure": range(30, 34)}
    pairs = [(f"{row:02}", tag) for tag, rows in carriers.items() for row in rows]
    return pl.DataFrame(pairs, schema={"id": pl.String, "tag": pl.String}, orient="row")


def canon(tags: pl.DataFrame, vectors_of=vectors_of, max_distance: float = 0.05) -> pl.DataFrame:
    return normalize_tags(tags, vectors_of, min_rows=3, max_distance=max_distance, min_support=4, min_confidence=0.99)


def test_each_step_does_what_is_known_and_says_why():
    assert canon(toy()).rows() == [
        ("Arrays", 7, "arrays", "rule", "stem 'array'"),
        ("array", 3, "arrays", "rule", "stem 'array'"),
        ("axes", 4, "plot", "association", "100.0% of its 4 rows carry 'plot'"),
        ("figure", 4, "figure", "kept", ""),
        ("ndarray", 4, "arrays", "semantic", "cosine distance 0.005"),
        ("once", 1, None, "frequency", "in 1 rows, fewer than 3"),
        ("plot", 10, "plot", "kept", ""),
    ]


def test_a_row_carries_each_canonical_tag_once_and_a_dropped_tag_not_at_all():
    units = apply_canonical_tags(toy(), canon(toy()))
    assert units.filter(pl.col("id") == "20")["tag"].to_list() == ["plot"]
    assert units.filter(pl.col("id") == "00")["tag"].to_list() == ["arrays"]
    assert units["tag"].value_counts().sort("tag").rows() == [("arrays", 14), ("figure", 4), ("plot", 10)]


def test_a_distance_of_0_compares_no_meanings():
    def none(tags: list[str]) -> np.ndarray:
        raise AssertionError(f"asked for the vectors of {tags}")

    steps = canon(toy(), none, 0).group_by("step").len().sort("step").rows()
    assert steps == [("association", 1), ("frequency", 1), ("kept", 3), ("rule", 2)]


def test_row_order_changes_nothing():
    shuffled = toy().sample(fraction=1, shuffle=True, seed=3)
    assert canon(shuffled).equals(canon(toy()))
    assert apply_canonical_tags(shuffled, canon(shuffled)).equals(apply_canonical_tags(toy(), canon(toy())))


def test_no_tag_gives_an_empty_table():
    assert canon(toy().head(0)).is_empty()


def test_all_tags_dropped_leaves_no_unit():
    assert apply_canonical_tags(toy().filter(pl.col("tag") == "once"), canon(toy())).is_empty()


def test_spellings_that_are_too_rare_to_stay_give_no_tag_its_name():
    carriers = {"array": range(3), "arrays": range(3, 5), "Arrays": range(5, 7), "ARRAYS": range(7, 9)}
    pairs = [(f"{row:02}", tag) for tag, rows in carriers.items() for row in rows]
    tags = pl.DataFrame(pairs, schema={"id": pl.String, "tag": pl.String}, orient="row")
    settings = {"min_rows": 3, "max_distance": 0, "min_support": 4, "min_confidence": 0.99}
    found = normalize_tags(tags, lambda _: np.empty((0, 0), np.float32), **settings)
    assert found["canonical"].drop_nulls().to_list() == ["array"]
