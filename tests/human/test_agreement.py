"""Krippendorff's alpha: by its definition over all pairs, and by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.human import count_agreements
from m2m.human.agreement import LEAST_ITEMS, calculate_alpha, estimate_agreement

NAN = np.nan
KRIPPENDORFF = [  # 2011, section E: 12 units, 4 observers
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
    [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
]


def calculate_by_pairs(table: np.ndarray) -> float:
    """1 − observed / expected from every pair of values, as the definition has it."""
    items = [column[~np.isnan(column)] for column in table.T]
    items = [values for values in items if len(values) > 1]
    everything = np.concatenate(items) if items else np.array([])
    n = len(everything)
    observed = sum(2 * (a - b) ** 2 / (len(values) - 1) for values in items for a, b in combinations(values, 2)) / n
    expected = sum(2 * (a - b) ** 2 for a, b in combinations(everything, 2)) / (n * (n - 1))
    return float(1 - observed / expected)


@settings(deadline=None)
@given(st.integers(2, 4), st.integers(2, 12), st.integers(0, 10**6))
def test_alpha_is_that_of_its_definition(raters: int, items: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.choice([0, 0.5, 1, NAN], size=(raters, items), p=[0.3, 0.2, 0.3, 0.2])
    table[:, :2] = [0, 1]
    assert calculate_alpha(table) == pytest.approx(calculate_by_pairs(table))


def test_alpha_of_the_published_example() -> None:
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability": 0.849 for interval data."""
    assert calculate_alpha(np.array(KRIPPENDORFF)) == pytest.approx(0.849, abs=0.0005)


def test_alpha_is_that_of_nltk() -> None:
    from nltk.metrics.agreement import AnnotationTask
    from nltk.metrics.distance import interval_distance

    rng = np.random.default_rng(3)
    table = rng.choice([0, 0.5, 1, NAN], size=(3, 25), p=[0.3, 0.2, 0.4, 0.1])
    rated = [(row, item, table[row, item]) for row, item in np.argwhere(~np.isnan(table)).tolist()]
    task = AnnotationTask(data=rated, distance=interval_distance)
    assert calculate_alpha(table) == pytest.approx(task.alpha())


def test_few_pairs_that_all_agree_do_not_prove_an_alpha_of_one() -> None:
    agreement = estimate_agreement(np.tile([0.0, 1], (2, 10)), 1)
    assert agreement.alpha == 1
    assert 0.6 < agreement.low < 0.85


def test_the_interval_covers_a_high_alpha_of_few_pairs() -> None:
    """Of 100 studies; `bench.human` has 1,000 a case. The plain percentile interval covers in 72 % of them."""
    assert count_agreements(studies=100, pairs=30, raters=2, care=0.95, seed=2)[1] >= 0.89


def test_full_agreement_is_one_and_full_disagreement_is_below_chance() -> None:
    assert calculate_alpha(np.array([[0, 1, 0.5], [0, 1, 0.5]])) == 1
    assert calculate_alpha(np.array([[0.0, 1.0], [1.0, 0.0]])) == pytest.approx(-0.5)


@pytest.mark.parametrize("table", [[[0, 1, 1]], [[1, 1], [1, 1]], [[0, NAN], [NAN, 1]]])
def test_without_two_ratings_or_any_difference_alpha_is_not_defined(table: list[list[float]]) -> None:
    assert np.isnan(calculate_alpha(np.array(table)))
    assert np.isnan(estimate_agreement(np.array(table), 1)[:3]).all()


def test_below_eight_shared_items_there_is_no_interval() -> None:
    """A seventh and an eighth item, without and with a second rating: alpha counts seven, then eight."""
    table = np.array([[0.0, 1, 0, 1, 0, 0.5, 1, 1], [1, 0, 1, 0, 1, 0.5, 0, NAN]])
    few = estimate_agreement(table, 1)
    assert few.alpha == calculate_alpha(table) < -0.7
    assert np.isnan([few.low, few.high]).all() and few.items == LEAST_ITEMS - 1
    table[1, 7] = 0
    enough = estimate_agreement(table, 1)
    assert enough.low <= enough.alpha <= enough.high and enough.items == LEAST_ITEMS


@pytest.mark.parametrize("rows", [[[0.0, 1] * 4, [1.0, 0] * 4], [[0.0] * 7 + [1]] * 2], ids=["opposite", "equal"])
def test_an_extreme_alpha_is_inside_its_interval(rows: list[list[float]]) -> None:
    agreement = estimate_agreement(np.array(rows), 1)
    assert agreement.low <= agreement.alpha <= agreement.high


def test_the_interval_holds_alpha_and_repeats() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 0.5, 1], 60)
    table = np.stack([np.where(rng.random(60) < 0.8, truth, rng.choice([0, 0.5, 1], 60)) for _ in range(3)])
    agreement = estimate_agreement(table, 1)
    assert 0.3 < agreement.low < agreement.alpha < agreement.high < 0.9
    assert agreement == estimate_agreement(table, 1)
