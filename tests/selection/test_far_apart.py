"""DEITA's filter and GIST: against plain loops over all pairs, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.selection import far_apart
from m2m.selection.far_apart import GIST_DISTANCES, choose_deita, choose_gist, take_apart
from tests.selection.clouds import everything, unit_points


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(0, 10**6), st.floats(-0.5, 0.95), st.sampled_from([3, 8, 64]), st.data())
def test_a_pass_takes_what_a_loop_over_all_pairs_takes(
    rows: int, seed: int, limit: float, block: int, data: st.DataObject
) -> None:
    vectors, size = unit_points(rows, seed, 3), data.draw(st.integers(1, rows))
    expected: list[int] = []
    for row in range(rows):
        if len(expected) < size and all(float(vectors[row] @ vectors[other]) < limit for other in expected):
            expected.append(row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(far_apart, "FILTERED_ROWS", block)
        passed = take_apart(vectors, np.ones(rows, np.int64), size, limit)
    assert passed.places.tolist() == expected
    cosines = vectors[expected] @ vectors[expected].T
    np.fill_diagonal(cosines, -1)
    assert passed.nearest == pytest.approx(float(cosines.max()), abs=1e-6)


def test_deita_takes_the_best_of_each_group_first_and_then_starts_over() -> None:
    vectors = np.eye(2, dtype=np.float32)[[0, 0, 0, 1, 1]]
    scores = np.array([1.0, 9.0, 5.0, 2.0, np.nan])
    rows, passes = choose_deita(vectors, scores, *everything(5), 4, np.random.default_rng(0))
    assert (rows.tolist(), passes) == ([1, 3, 2, 4], 2)
    rows, passes = choose_deita(vectors, scores, *everything(5), 2, np.random.default_rng(0))
    assert (rows.tolist(), passes) == ([1, 3], 1)


@pytest.mark.parametrize("seed", range(5))
def test_gist_without_scores_is_within_half_of_the_largest_smallest_distance(seed: int) -> None:
    """Twelve points on a circle; four of them can be 90 degrees apart. A step of the series costs a tenth more."""
    angles = np.radians(30 * np.arange(12))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    chosen = choose_gist(vectors, None, *everything(12), 4, np.random.default_rng(seed))
    cosines = vectors[chosen] @ vectors[chosen].T - 2 * np.eye(4)
    assert np.sqrt(2 - 2 * cosines.max()) >= np.sqrt(2) / 2 / 1.1


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 20), st.integers(0, 10**6), st.floats(0, 3), st.data())
def test_gist_returns_the_best_of_its_series(rows: int, seed: int, weight: float, data: st.DataObject) -> None:
    vectors, size = unit_points(rows, seed, 3), data.draw(st.integers(1, rows))
    scores = np.random.default_rng(seed).permutation(rows).astype(np.float64)
    utility = (scores + 1) / rows

    def rate(chosen: list[int]) -> float:
        pairs = [float(vectors[a] @ vectors[b]) for a in chosen for b in chosen if a != b]
        return utility[chosen].mean() + weight * np.sqrt(max(0.0, 2 - 2 * max(pairs, default=-1))) / 2

    sets = []
    for distance in (*GIST_DISTANCES, 0.0):
        taken: list[int] = []
        for row in np.argsort(-scores).tolist():
            is_far = all(2 - 2 * float(vectors[row] @ vectors[other]) > distance**2 for other in taken)
            if len(taken) < size and (is_far or distance == 0):
                taken.append(row)
        if len(taken) == size:
            sets.append(taken)
    chosen = choose_gist(vectors, scores, *everything(rows), size, np.random.default_rng(seed), weight)
    assert rate(chosen.tolist()) == pytest.approx(max(map(rate, sets)), abs=1e-5)


def test_weight_decides_between_score_and_distance() -> None:
    vectors = np.eye(3, dtype=np.float32)[[0, 0, 1, 2]]
    scores = np.array([9.0, 8.0, 2.0, 1.0])
    near, far = (
        choose_gist(vectors, scores, *everything(4), 2, np.random.default_rng(0), weight).tolist() for weight in (0, 9)
    )
    assert (near, far) == ([0, 1], [0, 2])


@pytest.mark.parametrize("name", ["deita", "gist"])
def test_rows_outside_take_no_part_and_costs_are_met_by_less_than_a_row(name: str) -> None:
    inside, costs, scores = np.arange(50) % 2 == 0, np.arange(50) + 1, np.arange(50.0)
    asked = unit_points(50, 1), scores, inside, costs, 200, np.random.default_rng(0)
    chosen = choose_deita(*asked)[0] if name == "deita" else choose_gist(*asked)
    assert inside[chosen].all()
    assert costs[chosen[:-1]].sum() < 200 <= costs[chosen].sum()
