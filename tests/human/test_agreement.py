"""Krippendorff's alpha: by its definition over all pairs, and by hand."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2m.human.agreement import calculate_alpha, estimate_agreement

NAN = np.nan


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


def test_full_agreement_is_one_and_full_disagreement_is_below_chance() -> None:
    assert calculate_alpha(np.array([[0, 1, 0.5], [0, 1, 0.5]])) == 1
    assert calculate_alpha(np.array([[0.0, 1.0], [1.0, 0.0]])) == pytest.approx(-0.5)


@pytest.mark.parametrize("table", [[[0, 1, 1]], [[1, 1], [1, 1]], [[0, NAN], [NAN, 1]]])
def test_without_two_ratings_or_any_difference_alpha_is_not_defined(table: list[list[float]]) -> None:
    assert np.isnan(calculate_alpha(np.array(table)))
    assert np.isnan(estimate_agreement(np.array(table), 1)).all()


def test_the_interval_holds_alpha_and_repeats() -> None:
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 0.5, 1], 60)
    table = np.stack([np.where(rng.random(60) < 0.8, truth, rng.choice([0, 0.5, 1], 60)) for _ in range(3)])
    agreement = estimate_agreement(table, 1)
    assert 0.3 < agreement.low < agreement.alpha < agreement.high < 0.9
    assert agreement == estimate_agreement(table, 1)
