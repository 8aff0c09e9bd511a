"""Shards hold every row once, and the sentence before them has the numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from m2m.selection.shards import describe_shards, split_rows


@given(st.integers(0, 300), st.integers(1, 100))
def test_shards_hold_every_row_once_and_at_most_half_of_what_is_exact(rows: int, exact_rows: int) -> None:
    order = np.random.default_rng(rows).permutation(rows)
    shards = split_rows(order, exact_rows)
    assert (np.concatenate(shards) == order).all()
    if rows <= exact_rows:
        assert len(shards) == 1
    else:
        assert len(shards) > 1 and max(map(len, shards)) <= max(1, exact_rows / 2 + 1)
        assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_the_sentence_says_shards_bound_and_minutes() -> None:
    rows = np.full(1_000_000, 50)
    assert describe_shards("k-center", rows, 500_000) == (
        "k-center is exact up to 200,000 rows. It chooses from 1,000,000 in 10 random shards, then from what they "
        "chose: no row is farther from the subset than 4 times what the best subset of as many rows allows. That takes "
        "about 7 minutes for vectors of 384 numbers"
    )
    assert "within (1 − 1/e) / 2 of the best. That takes about 12 minutes" in describe_shards(
        "facility-location", rows, 500_000
    )


def test_an_exact_choice_has_no_sentence() -> None:
    assert describe_shards("k-center", np.ones(200_000, np.int64), 9) == ""
    assert describe_shards("longest", np.ones(10**6, np.int64), 9) == ""
