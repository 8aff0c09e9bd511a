"""Facility location: against brute force, against the best possible, and by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection.facility_location import choose_facilities
from tests.selection.clouds import everything, unit_points


def rate(vectors: np.ndarray, chosen: list[int], neighbors: int) -> float:
    """The sum over rows of the largest similarity with a chosen row, from full matrices."""
    cosine = np.clip(vectors.astype(np.float64) @ vectors.T.astype(np.float64), 0, 1)
    np.fill_diagonal(cosine, -1)
    near = np.argsort(-cosine, axis=1)[:, :neighbors]
    is_edge = np.zeros(cosine.shape, np.bool_)
    np.put_along_axis(is_edge, near, values=True, axis=1)
    similarity = np.where(is_edge | is_edge.T, cosine, 0)
    np.fill_diagonal(similarity, 1)
    return float(similarity[:, chosen].max(axis=1).sum()) if chosen else 0.0


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 20), st.integers(0, 10**6), st.data())
def test_each_row_raises_the_sum_most(rows: int, seed: int, data: st.DataObject) -> None:
    vectors, size = unit_points(rows, seed), data.draw(st.integers(1, rows))
    neighbors = data.draw(st.integers(1, rows - 1))
    chosen = choose_facilities(vectors, *everything(rows), size, np.random.default_rng(seed), "lazy", neighbors)
    taken = chosen.tolist()
    assert len(set(taken)) == size
    for turn in range(size):
        free = sorted(set(range(rows)) - set(taken[:turn]))
        best = max(rate(vectors, [*taken[:turn], row], neighbors) for row in free)
        assert rate(vectors, taken[: turn + 1], neighbors) == pytest.approx(best, abs=1e-5)


@settings(deadline=None, max_examples=20)
@given(st.integers(4, 9), st.integers(1, 3), st.integers(0, 10**6))
def test_the_sum_is_within_the_bound_of_the_best(rows: int, size: int, seed: int) -> None:
    vectors = unit_points(rows, seed, 3)
    best = max(rate(vectors, list(some), rows - 1) for some in combinations(range(rows), size))
    chosen = choose_facilities(vectors, *everything(rows), size, np.random.default_rng(0))
    assert rate(vectors, chosen.tolist(), rows - 1) >= (1 - 1 / np.e) * best


def test_a_cluster_of_many_is_served_before_a_lone_row() -> None:
    vectors = np.eye(3, dtype=np.float32)[[0, 0, 0, 1, 1, 2]]
    chosen = choose_facilities(vectors, *everything(6), 3, np.random.default_rng(1))
    assert [vectors[row].argmax() for row in chosen] == [0, 1, 2]


def test_stochastic_with_all_rows_at_hand_is_the_lazy_greedy_but_for_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("m2m.selection.facility_location.FACILITY_MISS", 1e-300)
    vectors = unit_points(60, 4)
    lazy, hands = (
        choose_facilities(vectors, *everything(60), 20, np.random.default_rng(2), greedy)
        for greedy in ("lazy", "stochastic")
    )  # fmt: skip
    assert lazy.tolist()[:10] == hands.tolist()[:10]
    assert rate(vectors, lazy.tolist(), 30) == pytest.approx(rate(vectors, hands.tolist(), 30), rel=0.01)


def test_stochastic_seeds_differ_and_reach_nearly_the_same_sum() -> None:
    vectors = unit_points(200, 5)
    lazy = choose_facilities(vectors, *everything(200), 20, np.random.default_rng(0))
    one, other = (
        choose_facilities(vectors, *everything(200), 20, np.random.default_rng(seed), "stochastic").tolist()
        for seed in (1, 2)
    )
    assert set(one) != set(other)
    assert rate(vectors, one, 30) > 0.95 * rate(vectors, lazy.tolist(), 30)


@pytest.mark.parametrize("greedy", ["lazy", "stochastic"])
def test_rows_outside_take_no_part_and_costs_are_met_by_less_than_a_row(greedy: str) -> None:
    inside, costs = np.arange(50) % 2 == 0, np.arange(50) + 1
    chosen = choose_facilities(unit_points(50, 1), inside, costs, 200, np.random.default_rng(0), greedy)  # type: ignore[arg-type]
    assert inside[chosen].all()
    assert costs[chosen[:-1]].sum() < 200 <= costs[chosen].sum()


def test_a_single_row_is_its_own_subset() -> None:
    assert choose_facilities(unit_points(1, 0), *everything(1), 1, np.random.default_rng(0)).tolist() == [0]


@pytest.mark.parametrize("greedy", ["lazy", "stochastic"])
def test_shards_keep_the_sum_of_the_exact_greedy_but_for_some_percent(greedy: str) -> None:
    vectors, seeds = unit_points(400, 6), range(3)
    exact = choose_facilities(vectors, *everything(400), 20, np.random.default_rng(0)).tolist()
    for seed in seeds:
        rng = np.random.default_rng(seed)
        chosen = choose_facilities(vectors, *everything(400), 20, rng, greedy, exact_rows=200)  # type: ignore[arg-type]
        at_random = np.random.default_rng(seed).permutation(400)[:20].tolist()
        assert len(set(chosen.tolist())) == 20
        assert rate(vectors, chosen.tolist(), 30) > 0.85 * rate(vectors, exact, 30)
        assert rate(vectors, chosen.tolist(), 30) > rate(vectors, at_random, 30)


def test_the_sum_of_shards_is_on_average_within_the_bound_of_the_best() -> None:
    for toy in range(6):
        vectors = unit_points(12, toy, 3)
        best = max(rate(vectors, list(some), 11) for some in combinations(range(12), 2))
        rngs = [np.random.default_rng(seed) for seed in range(10)]
        chosen = [choose_facilities(vectors, *everything(12), 2, rng, exact_rows=8).tolist() for rng in rngs]
        sums = [rate(vectors, some, 11) for some in chosen]
        assert len({tuple(some) for some in chosen}) > 1 and max(sums) <= best + 1e-5
        assert np.mean(sums) >= (1 - 1 / np.e) / 2 * best and min(sums) >= (1 - 1 / np.e) ** 2 / 2 * best


@settings(deadline=None, max_examples=20)
@given(st.integers(9, 30), st.integers(0, 10**6), st.data())
def test_shards_give_rows_inside_of_the_asked_cost_whatever_the_shards(
    rows: int, seed: int, data: st.DataObject
) -> None:
    draws = np.random.default_rng(seed)
    inside, costs, vectors = draws.random(rows) < 0.9, draws.integers(1, 9, rows), unit_points(rows, seed)
    inside[:2] = True
    size = data.draw(st.integers(1, int(costs[inside].sum())))
    exact_rows = data.draw(st.integers(2, 8))
    first, again = (
        choose_facilities(vectors, inside, costs, size, np.random.default_rng(seed), exact_rows=exact_rows)
        for _ in range(2)
    )
    assert (first == again).all() and inside[first].all() and len(set(first.tolist())) == len(first)
    assert costs[first[:-1]].sum() < size <= costs[first].sum()
