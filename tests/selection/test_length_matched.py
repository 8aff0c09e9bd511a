"""Random rows with the lengths of another subset."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from m2m.selection.length_matched import choose_length_matched_rows


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(0, 99), st.data())
def test_each_length_is_as_frequent_as_in_the_other_subset(lengths: list[int], seed: int, data: st.DataObject) -> None:
    length = np.array(lengths)
    inside = np.array(data.draw(st.lists(st.booleans(), min_size=len(lengths), max_size=len(lengths))))
    candidates = np.flatnonzero(inside)
    other = candidates[: data.draw(st.integers(0, len(candidates)))].astype(np.int32)
    rows = choose_length_matched_rows(length, inside, other, np.random.default_rng(seed))
    assert sorted(length[rows]) == sorted(length[other])
    assert len(set(rows.tolist())) == len(rows)
    assert inside[rows].all()


def test_every_row_of_a_length_is_as_likely_and_so_is_every_place() -> None:
    length, inside = np.array([3, 3, 3, 3, 7]), np.ones(5, np.bool_)
    rng = np.random.default_rng(0)
    drawn = np.array([choose_length_matched_rows(length, inside, np.array([0, 4], np.int32), rng) for _ in range(4000)])
    assert np.abs(np.bincount(drawn[drawn < 4], minlength=4) - 1000).max() < 150
    assert abs((drawn[:, 0] == 4).sum() - 2000) < 200


def test_the_only_row_of_a_length_is_drawn_again() -> None:
    length = np.array([5, 9, 9])
    assert choose_length_matched_rows(
        length, np.ones(3, np.bool_), np.array([0], np.int32), np.random.default_rng(1)
    ).tolist() == [0]
