"""Noise pooled over replicates, and the interval for several differences together."""

import numpy as np
import pytest
from scipy import stats

from m2m.study.analysis.contrasts import bound_simultaneously, pool_noise
from m2m.study.cells.t_estimates import make_estimate

A, B = np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0])
KNOWN = make_estimate(1.5, 0.4, 3)


def test_the_noise_is_pooled_over_groups_and_single_cells_add_none() -> None:
    noise = pool_noise([A, B, np.array([7.0])])
    assert noise.df == 3 and noise.sd == pytest.approx(np.sqrt((A.var() * 3 + B.var() * 2) / 3))


def test_without_replicates_there_is_no_noise_to_judge_by() -> None:
    for groups in ([], [np.array([1.0])], [np.array([1.0]), np.array([2.0])]):
        with pytest.raises(ValueError, match="there is none: run more seeds"):
            pool_noise(groups)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.3e9])
def test_equal_replicates_are_no_noise_and_make_no_difference_certain(value: float) -> None:
    with pytest.raises(ValueError, match="all replicates are equal"):
        pool_noise([np.full(3, value), np.zeros(2)])


def test_the_interval_of_the_best_of_one_is_the_plain_one() -> None:
    assert bound_simultaneously(KNOWN, 1) == pytest.approx((KNOWN.low, KNOWN.high))
    assert bound_simultaneously(KNOWN, 24)[0] < KNOWN.low


def test_the_interval_of_the_best_of_24_is_bonferronis() -> None:
    expected = stats.t.interval(1 - 0.05 / 24, KNOWN.df, KNOWN.value, KNOWN.se)
    assert bound_simultaneously(KNOWN, 24) == pytest.approx(expected)
