"""The numbers that describe a subset, on toys whose numbers are known."""

import numpy as np
import pytest

from stages.core.incidence import group_pairs
from stages.core.selection import chain_numbers, draw_numbers, evenness, select

# three rows of unit 0, two of unit 1, one of unit 2, and a row without a unit
INCIDENCE = group_pairs(np.array([0, 1, 2, 3, 4, 5], np.int32), np.array([0, 0, 0, 1, 1, 2], np.int32), 7, 3)
ONES = np.ones(7, np.int64)


def test_the_chain_is_told_in_numbers() -> None:
    rng = np.random.default_rng(0)
    chosen = select(INCIDENCE, ONES, degree=3, size=2, slack=1.5, weights="uniform", rng=rng)
    assert chain_numbers(chosen) == {
        "candidate_rows": 5,
        "k": 2,
        "k_by_degree": [1, 1, 2, 2, 2, 3, 3],
        "k_max": 3,
        "k_min": 1,
    }


def test_the_draw_is_told_in_numbers() -> None:
    rng = np.random.default_rng(0)
    chosen = select(INCIDENCE, ONES, degree=6, size=6, slack=1, weights="uniform", rng=rng)
    tokens, characters = np.arange(7), np.arange(7) * 4
    entropy = (3 / 6 * np.log(2) + 2 / 6 * np.log(3) + 1 / 6 * np.log(6)) / np.log(3)
    assert draw_numbers(INCIDENCE, chosen, tokens, characters) == {
        "evenness": pytest.approx(entropy),
        "mean_response_characters": 10.0,
        "mean_response_tokens": 2.5,
        "response_tokens": 15,
        "rows": 6,
        "units_covered": 3,
    }


@pytest.mark.parametrize(("counts", "expected"), [([5, 5], 1.0), ([7], 1.0), ([4, 0], 0.0), ([2, 2, 0, 0], 0.5)])
def test_evenness_counts_units_that_no_row_carries(counts: list[int], expected: float) -> None:
    assert evenness(np.array(counts)) == pytest.approx(expected)
