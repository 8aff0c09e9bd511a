"""Greedy k-center: against brute force, against the best possible, and on ties."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2m.selection.k_center import choose_farthest_rows


def everything(rows: int) -> tuple[np.ndarray, np.ndarray]:
    return np.ones(rows, np.bool_), np.ones(rows, np.int64)


def points(rows: int, seed: int, dim: int = 8) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.integers(2, 200), st.integers(0, 10**6), st.data())
def test_each_row_is_the_farthest_from_those_before(rows: int, seed: int, data: st.DataObject) -> None:
    """Up to the last bit of a float32 cosine: two rows may be equally far in one precision and not in another."""
    vectors, size = points(rows, seed), data.draw(st.integers(1, rows))
    chosen = choose_farthest_rows(vectors, *everything(rows), size, np.random.default_rng(seed))
    assert len(set(chosen.tolist())) == size
    wide = vectors.astype(np.float64)
    for turn in range(1, size):
        nearest = (wide @ wide[chosen[:turn]].T).max(axis=1)
        free = np.delete(nearest, chosen[:turn])
        assert nearest[chosen[turn]] <= free.min() + 1e-6


@given(st.integers(4, 10), st.integers(1, 3), st.integers(0, 10**6))
def test_no_row_is_farther_than_twice_the_best_subset_allows(rows: int, size: int, seed: int) -> None:
    vectors = points(rows, seed, 3).astype(np.float64)
    distance = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    best = min(distance[:, list(some)].min(axis=1).max() for some in combinations(range(rows), size))
    chosen = choose_farthest_rows(vectors.astype(np.float32), *everything(rows), size, np.random.default_rng(seed))
    assert distance[:, chosen].min(axis=1).max() <= 2 * best + 1e-6


def test_equal_rows_are_chosen_last_and_the_pool_is_returned_whole() -> None:
    vectors = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1, 2]]
    chosen = choose_farthest_rows(vectors, *everything(6), 6, np.random.default_rng(0))
    assert sorted(chosen) == list(range(6))
    assert len({tuple(vector) for vector in vectors[chosen[:3]]}) == 3


def test_ties_go_either_way() -> None:
    vectors = np.eye(4, dtype=np.float32)
    seen = {tuple(choose_farthest_rows(vectors, *everything(4), 2, np.random.default_rng(seed))) for seed in range(200)}
    assert len(seen) == 12


def test_rows_outside_take_no_part_and_costs_are_met_by_less_than_a_row() -> None:
    inside, costs = np.arange(50) % 2 == 0, np.arange(50) + 1
    chosen = choose_farthest_rows(points(50, 1), inside, costs, 200, np.random.default_rng(0))
    assert inside[chosen].all()
    assert costs[chosen[:-1]].sum() < 200 <= costs[chosen].sum()


@pytest.mark.parametrize("rows", [1, 2])
def test_a_pool_of_one_size_is_its_own_subset(rows: int) -> None:
    assert sorted(choose_farthest_rows(points(rows, 0), *everything(rows), rows, np.random.default_rng(0))) == list(
        range(rows)
    )


def radius(vectors: np.ndarray, chosen: np.ndarray) -> float:
    """The largest distance of a row to the chosen rows."""
    wide = vectors.astype(np.float64)
    return float(np.linalg.norm(wide[:, None] - wide[chosen][None], axis=2).min(axis=1).max())


@given(st.integers(6, 12), st.integers(1, 3), st.integers(3, 6), st.integers(0, 10**6))
def test_of_shards_no_row_is_farther_than_four_times_the_best(rows: int, size: int, exact_rows: int, seed: int) -> None:
    vectors = points(rows, seed, 3)
    best = min(radius(vectors, np.array(some)) for some in combinations(range(rows), size))
    rng = np.random.default_rng(seed)
    chosen = choose_farthest_rows(vectors, *everything(rows), size, rng, exact_rows=exact_rows)
    assert len(set(chosen.tolist())) == size
    assert radius(vectors, chosen) <= 4 * best + 1e-6


def test_shards_leave_hardly_more_distance_than_the_exact_greedy_and_less_than_chance() -> None:
    vectors = points(500, 3)
    exact = radius(vectors, choose_farthest_rows(vectors, *everything(500), 40, np.random.default_rng(0)))
    for seed in range(3):
        rng = np.random.default_rng(seed)
        sharded = radius(vectors, choose_farthest_rows(vectors, *everything(500), 40, rng, exact_rows=250))
        assert exact / 1.15 < sharded < 1.15 * exact
        assert sharded < radius(vectors, rng.permutation(500)[:40])


@given(st.integers(9, 60), st.integers(0, 10**6), st.data())
def test_shards_give_rows_inside_of_the_asked_cost_whatever_the_shards(
    rows: int, seed: int, data: st.DataObject
) -> None:
    draws = np.random.default_rng(seed)
    inside, costs, vectors = draws.random(rows) < 0.9, draws.integers(1, 9, rows), points(rows, seed)
    inside[:2] = True
    size, exact_rows = data.draw(st.integers(1, int(costs[inside].sum()))), data.draw(st.integers(2, 8))
    first, again = (
        choose_farthest_rows(vectors, inside, costs, size, np.random.default_rng(seed), exact_rows) for _ in range(2)
    )
    assert (first == again).all() and inside[first].all() and len(set(first.tolist())) == len(first)
    assert costs[first[:-1]].sum() < size <= costs[first].sum()
