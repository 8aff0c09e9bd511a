"""Toy tags whose merges are known; then a toy pool in which each step has one known thing to do."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.units.meso.tag_normalization import (
    apply_canonical_tags,
    drop_rare,
    fold_spellings,
    merge_associated,
    merge_near,
    normalize_tags,
)

NAMES = st.text("abAB -_+", min_size=1, max_size=6)
COUNTS = st.dictionaries(NAMES, st.integers(1, 50), max_size=12)


def on_circle(*degrees: float) -> np.ndarray:
    return np.array([[np.cos(np.radians(at)), np.sin(np.radians(at))] for at in degrees], np.float32)


def rows(**carriers: str) -> pl.DataFrame:
    """Which row (a letter) carries which tag."""
    pairs = [(row, tag) for tag, letters in carriers.items() for row in letters]
    return pl.DataFrame(pairs, schema={"id": pl.String, "tag": pl.String}, orient="row").sample(
        fraction=1, seed=1, shuffle=True
    )


def test_a_tag_in_too_few_rows_is_dropped_and_the_reason_says_the_numbers() -> None:
    assert drop_rare({"often": 20, "seldom": 19}, 20) == {"seldom": (None, "in 19 rows, fewer than 20")}


def test_words_that_differ_in_a_vowel_sign_alone_stay_apart() -> None:
    assert fold_spellings({"दिन": 50, "दान": 60, "दीन": 40, "ยา": 3, "ยี่": 4}) == {}
    changes = fold_spellings({"❤️": 3, "⚠️ warning": 5, "warning": 9})
    assert {tag: change.into for tag, change in changes.items()} == {"❤️": None, "⚠️ warning": "warning"}


@pytest.mark.parametrize("rows_in_all", [25, 41])
def test_an_association_of_just_as_many_rows_as_are_asked_for_is_seen(rows_in_all: int) -> None:
    ids = [f"{row:02}" for row in range(rows_in_all)]
    pairs = [(row, "b") for row in ids] + [(row, "a") for row in ids[:7]]
    pairs += [(row, tag) for tag in "cd" for row in ids[7:16]]  # no path: of one FP-Growth does not round
    table = pl.DataFrame(pairs, schema={"id": pl.String, "tag": pl.String}, orient="row")
    assert merge_associated(table, 7, 0.99)["a"].into == "b"


def test_case_special_characters_and_endings_fold_into_the_most_frequent_spelling() -> None:
    changes = fold_spellings({"Data Frame": 3, "data_frames": 5, "data-frames": 4, "series": 9})
    assert {tag: change.into for tag, change in changes.items()} == {
        "Data Frame": "data frames",
        "data_frames": "data frames",
        "data-frames": "data frames",
    }
    assert changes["Data Frame"].why == "stem 'data frame'"


def test_the_most_frequent_spelling_is_counted_over_its_variants() -> None:
    changes = fold_spellings({"array": 6, "Arrays": 4, "arrays": 4})
    assert {tag: change.into for tag, change in changes.items()} == {"array": "arrays", "Arrays": "arrays"}


def test_a_tag_of_special_characters_alone_is_dropped() -> None:
    assert fold_spellings({"++": 7})["++"].into is None


def test_tags_within_the_cosine_distance_become_the_most_frequent_and_others_stay() -> None:
    vectors = on_circle(0, 10, 40)  # cosine distances 0.015 and 0.134
    changes = merge_near({"a": 1, "b": 2, "c": 3}, vectors, 0.05)
    assert changes == {"a": ("b", "cosine distance 0.015")}


def test_a_threshold_meant_as_similarity_would_merge_everything() -> None:
    assert len(merge_near({"a": 1, "b": 2, "c": 3}, on_circle(0, 40, 80), 0.95)) == 2


def test_distance_links_through_a_tag_between() -> None:
    assert merge_near({"a": 9, "b": 1, "c": 1}, on_circle(0, 15, 30), 0.05)["c"].into == "a"


def test_a_tag_that_never_stands_without_another_becomes_that_one() -> None:
    changes = merge_associated(rows(python="abcdefgh", numpy="abcd", rust="efij"), min_rows=4, min_confidence=0.99)
    assert changes == {"numpy": ("python", "100.0% of its 4 rows carry 'python'")}


def test_an_association_below_the_confidence_or_the_support_is_none() -> None:
    tags = rows(python="abcdefgh", numpy="abcdz")
    assert merge_associated(tags, min_rows=4, min_confidence=0.99) == {}
    assert merge_associated(tags, min_rows=4, min_confidence=0.8)["numpy"].into == "python"
    assert merge_associated(tags, min_rows=5, min_confidence=0.8) == {}


def test_associations_are_followed_to_their_end() -> None:
    changes = merge_associated(rows(code="abcdefgh", python="abcdef", numpy="abcd"), min_rows=4, min_confidence=0.99)
    assert {tag: change.into for tag, change in changes.items()} == {"numpy": "code", "python": "code"}


def test_twins_become_the_first_of_the_alphabet() -> None:
    assert merge_associated(rows(y="abcd", x="abcd"), 4, 0.99)["y"].into == "x"


def test_of_two_associations_the_surer_wins_then_the_more_frequent() -> None:
    assert merge_associated(rows(a="bcdef", b="bcdefg", c="bcde"), 4, 0.9)["c"].into == "b"
    assert merge_associated(rows(a="bcdefghijk", b="cdef", c="bcde" + "lmn", d="bcdex"), 4, 0.5)["d"].into == "a"


@pytest.mark.parametrize(
    "step", [lambda: drop_rare({}, 2), lambda: fold_spellings({}), lambda: merge_near({}, np.empty((0, 2)), 0.1)]
)
def test_no_tag_at_all_changes_nothing(step: Any) -> None:
    assert step() == {}


def test_no_row_at_all_has_no_association() -> None:
    assert merge_associated(rows(), 2, 0.9) == {}


@given(COUNTS)
def test_folding_twice_is_folding_once(counts: Any) -> None:
    changes = fold_spellings(counts)
    after: dict[str, int] = {}
    for tag, count in counts.items():
        into = changes[tag].into if tag in changes else tag
        if into is not None:
            after[into] = after.get(into, 0) + count
    assert fold_spellings(after) == {}


@given(COUNTS, st.floats(0.001, 1), st.integers(0, 5))
def test_a_merge_ends_at_a_tag_that_stays(counts: Any, distance: Any, seed: Any) -> None:
    vectors = on_circle(*np.random.default_rng(seed).uniform(0, 90, len(counts)))
    changes = merge_near(counts, vectors, distance)
    assert all(change.into in counts and change.into not in changes for change in changes.values())
    assert all(counts[change.into] >= counts[tag] for tag, change in changes.items())


@given(st.lists(st.sets(st.sampled_from("abcde")), min_size=1, max_size=20), st.integers(1, 4))
def test_associations_are_those_of_counting_pairs(carried: Any, min_rows: Any) -> None:
    tags = rows(**{tag: "".join(chr(0x4E00 + at) for at, tags in enumerate(carried) if tag in tags) for tag in "abcde"})
    changes = merge_associated(tags, min_rows, 0.75)
    count = {tag: sum(tag in tags for tags in carried) for tag in "abcde"}
    both = {(a, b): sum({a, b} <= tags for tags in carried) for a in "abcde" for b in "abcde" if a != b}
    merged = {
        a for (a, b), n in both.items() if n >= min_rows and n >= 0.75 * count[a] and (count[b], a) > (count[a], b)
    }
    assert set(changes) == merged
    assert all(change.into not in changes for change in changes.values())


VECTORS = {"arrays": (1, 0), "ndarray": (1, 0.1), "plot": (0, 1), "axes": (-1, 0), "figure": (-1, -1)}


def vectors_of(tags: list[str]) -> np.ndarray:
    vectors = np.array([VECTORS[tag] for tag in tags], np.float32).reshape(len(tags), 2)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def toy() -> pl.DataFrame:
    carriers = {"array": range(3), "Arrays": range(3, 10), "ndarray": range(10, 14), "once": [0], "plot": range(20, 30)}
    carriers |= {"axes": range(20, 24), "figure": range(30, 34)}
    pairs = [(f"{row:02}", tag) for tag, rows in carriers.items() for row in rows]
    return pl.DataFrame(pairs, schema={"id": pl.String, "tag": pl.String}, orient="row")


def canon(tags: pl.DataFrame, vectors_of: Any = vectors_of, max_distance: float = 0.05) -> pl.DataFrame:
    return normalize_tags(tags, vectors_of, min_rows=3, max_distance=max_distance, min_support=4, min_confidence=0.99)


def test_each_step_does_what_is_known_and_says_why() -> None:
    assert canon(toy()).rows() == [
        ("Arrays", 7, "arrays", "rule", "stem 'array'"),
        ("array", 3, "arrays", "rule", "stem 'array'"),
        ("axes", 4, "plot", "association", "100.0% of its 4 rows carry 'plot'"),
        ("figure", 4, "figure", "kept", ""),
        ("ndarray", 4, "arrays", "semantic", "cosine distance 0.005"),
        ("once", 1, None, "frequency", "in 1 rows, fewer than 3"),
        ("plot", 10, "plot", "kept", ""),
    ]


def test_a_row_carries_each_canonical_tag_once_and_a_dropped_tag_not_at_all() -> None:
    units = apply_canonical_tags(toy(), canon(toy()))
    assert units.filter(pl.col("id") == "20")["tag"].to_list() == ["plot"]
    assert units.filter(pl.col("id") == "00")["tag"].to_list() == ["arrays"]
    assert units["tag"].value_counts().sort("tag").rows() == [("arrays", 14), ("figure", 4), ("plot", 10)]


def test_a_distance_of_0_compares_no_meanings() -> None:
    def none(tags: list[str]) -> np.ndarray:
        raise AssertionError(f"asked for the vectors of {tags}")

    steps = canon(toy(), none, 0).group_by("step").len().sort("step").rows()
    assert steps == [("association", 1), ("frequency", 1), ("kept", 3), ("rule", 2)]


def test_row_order_changes_nothing() -> None:
    shuffled = toy().sample(fraction=1, shuffle=True, seed=3)
    assert canon(shuffled).equals(canon(toy()))
    assert apply_canonical_tags(shuffled, canon(shuffled)).equals(apply_canonical_tags(toy(), canon(toy())))


def test_no_tag_gives_an_empty_table() -> None:
    assert canon(toy().head(0)).is_empty()


def test_all_tags_dropped_leaves_no_unit() -> None:
    assert apply_canonical_tags(toy().filter(pl.col("tag") == "once"), canon(toy())).is_empty()


def test_spellings_that_are_too_rare_to_stay_give_no_tag_its_name() -> None:
    carriers = {"array": range(3), "arrays": range(3, 5), "Arrays": range(5, 7), "ARRAYS": range(7, 9)}
    pairs = [(f"{row:02}", tag) for tag, rows in carriers.items() for row in rows]
    tags = pl.DataFrame(pairs, schema={"id": pl.String, "tag": pl.String}, orient="row")
    settings: dict[str, Any] = {"min_rows": 3, "max_distance": 0, "min_support": 4, "min_confidence": 0.99}
    found = normalize_tags(tags, lambda _: np.empty((0, 0), np.float32), **settings)
    assert found["canonical"].drop_nulls().to_list() == ["array"]
