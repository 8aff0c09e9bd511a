"""NovelSelect: the published greedy by loops over all pairs, which density counts, twins, windows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection.novelty import choose_novel_rows, measure_density
from tests.selection.clouds import everything, unit_points


def weigh(distances: list[float]) -> float:
    """The mean with weight 1 / rank, smallest first."""
    ranked = sorted(distances)
    return sum(d / rank for rank, d in enumerate(ranked, 1)) / sum(1 / rank for rank in range(1, len(ranked) + 1))


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 25), st.integers(0, 10**6), st.data())
def test_with_all_rows_at_hand_each_row_is_the_most_novel(rows: int, seed: int, data: st.DataObject) -> None:
    vectors, size = unit_points(rows, seed), data.draw(st.integers(1, rows))
    chosen = choose_novel_rows(vectors, *everything(rows), size, np.random.default_rng(seed), 1e-300).tolist()
    assert len(set(chosen)) == size
    distance = 1 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    squared = ((vectors[:, None].astype(np.float64) - vectors) ** 2).sum(axis=2)  # published: 2 × the cosine distance
    near = np.sort(squared + 9 * np.eye(rows), axis=1)[:, : min(10, rows - 1)].mean(axis=1)
    root = 1 / np.sqrt(np.maximum(near, 2e-3))
    for turn in range(1, size):
        novelty = {
            row: weigh([distance[row, other] * (root[row] + root[other]) for other in chosen[:turn]])
            for row in set(range(rows)) - set(chosen[:turn])
        }
        assert novelty[chosen[turn]] == pytest.approx(max(novelty.values()), rel=1e-4)


def test_the_density_of_the_chosen_rows_counts_too() -> None:
    """Two dense places at a right angle, and a lone row in between that is denser seen from neither."""
    dense = np.array([[1, 0, 0]] * 12 + [[0, 1, 0]] * 12)
    lone = np.array([[0, 0, 1], [0.6, 0, -0.8]])
    vectors = np.concatenate([dense, lone]).astype(np.float32)
    for seed in range(20):
        first, second = choose_novel_rows(vectors, *everything(26), 2, np.random.default_rng(seed), 1e-300).tolist()
        places = {row: 0 if row < 12 else 1 if row < 24 else row for row in (first, second)}
        if places[first] < 2:  # √1000 of both counts more than the farther lone row
            assert places[second] == 1 - places[first]


def test_density_is_one_over_the_mean_distance_to_the_ten_nearest() -> None:
    vectors = np.eye(12, dtype=np.float32)
    np.testing.assert_allclose(measure_density(vectors, np.random.default_rng(0)), 1)
    np.testing.assert_allclose(measure_density(np.ones((12, 1), np.float32), np.random.default_rng(0)), 1000)
    assert measure_density(vectors[:1], np.random.default_rng(0)).tolist() == [1]
    assert measure_density(vectors[:1], np.random.default_rng(0), np.array([0])).tolist() == [1]


def test_the_density_of_some_rows_is_theirs_among_all() -> None:
    vectors, rows = unit_points(50, 3), np.array([4, 9, 40])
    every = measure_density(vectors, np.random.default_rng(0))
    np.testing.assert_allclose(measure_density(vectors, np.random.default_rng(0), rows), every[rows])


def test_hands_at_random_choose_distinct_rows_inside_that_meet_the_costs() -> None:
    inside, costs = np.arange(300) % 2 == 0, np.arange(300) % 9 + 1
    chosen = choose_novel_rows(unit_points(300, 1), inside, costs, 200, np.random.default_rng(0))
    assert inside[chosen].all()
    assert len(set(chosen.tolist())) == len(chosen)
    assert costs[chosen[:-1]].sum() < 200 <= costs[chosen].sum()
    again = choose_novel_rows(unit_points(300, 1), inside, costs, 200, np.random.default_rng(0))
    assert again.tolist() == chosen.tolist()


def test_hands_are_nearly_as_novel_as_all_rows() -> None:
    vectors = unit_points(400, 7, 8)
    few, every = (
        choose_novel_rows(vectors, *everything(400), 40, np.random.default_rng(1), miss) for miss in (0.05, 1e-300)
    )

    def measure_spread(rows: np.ndarray) -> float:
        return float(np.mean([weigh((1 - vectors[rows] @ vectors[row]).tolist()) for row in rows]))

    assert measure_spread(few) > 0.8 * measure_spread(every)
