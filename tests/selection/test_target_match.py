"""BM25 by its formula, and the round-robin over examples by hand and by a plain loop."""

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection.target_match import K1, B, choose_like_examples, score_by_bm25
from tests.selection.clouds import everything

TEXTS = st.lists(st.lists(st.integers(0, 6), max_size=6), min_size=1, max_size=8)


def join(texts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([token for text in texts for token in text], np.int32), np.cumsum([0, *map(len, texts)])


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.lists(st.lists(st.integers(0, 6), max_size=6), min_size=1, max_size=3))
def test_scores_are_those_of_the_formula(rows: list[list[int]], examples: list[list[int]]) -> None:
    mean = max(sum(map(len, rows)) / len(rows), 1e-9)
    scores = score_by_bm25(*join(rows + examples), len(examples))
    for row, text in enumerate(rows):
        for number, example in enumerate(examples):
            expected = 0.0
            for token in example:
                having = sum(token in other for other in rows)
                count = text.count(token)
                damped = count * (K1 + 1) / (count + K1 * (1 - B + B * len(text) / mean)) if count else 0
                expected += log(1 + (len(rows) - having + 0.5) / (having + 0.5)) * damped
            assert scores[row, number] == pytest.approx(expected)


def test_each_example_takes_its_best_row_in_turn_and_rows_without_a_match_come_last() -> None:
    scores = np.array([[9, 8], [7, 9.5], [6, 0], [0, 0]])
    chosen = choose_like_examples(scores, *everything(4), 4, np.random.default_rng(0))
    assert chosen.tolist() == [0, 1, 2, 3]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), st.integers(1, 3), st.integers(0, 10**6), st.data())
def test_the_round_robin_is_that_of_a_plain_loop(rows: int, examples: int, seed: int, data: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random((rows, examples)) * rng.integers(0, 2, (rows, examples))
    size = data.draw(st.integers(1, rows))
    free, expected = set(range(rows)), list[int]()
    for turn in range(rows * examples * 2):
        best = max(free, key=lambda row: scores[row, turn % examples], default=None)
        if best is not None and len(expected) < size and scores[best, turn % examples] > 0:
            expected.append(best)
            free.remove(best)
    chosen = choose_like_examples(scores, *everything(rows), size, np.random.default_rng(seed)).tolist()
    assert chosen[: len(expected)] == expected
    assert len(set(chosen)) == size


def test_rows_outside_take_no_part_and_costs_are_met_by_less_than_a_row() -> None:
    inside, costs = np.arange(50) % 2 == 0, np.arange(50) + 1
    scores = np.random.default_rng(0).random((50, 3))
    chosen = choose_like_examples(scores, inside, costs, 200, np.random.default_rng(0))
    assert inside[chosen].all()
    assert costs[chosen[:-1]].sum() < 200 <= costs[chosen].sum()
