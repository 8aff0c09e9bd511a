"""Differences of means judged by pooled noise: scipy as oracle, single seeds, and how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from bench.planted import planted_study
from m2m.study.analysis.contrasts import bound_simultaneously, compare_maxima, compare_means, pool_noise

A, B = np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0])


def test_two_groups_are_compared_as_in_students_test() -> None:
    oracle = stats.ttest_ind(A, B)
    found = compare_means(A, B, pool_noise([A, B]))
    assert (found.p, found.df) == pytest.approx((oracle.pvalue, oracle.df))
    assert (found.low, found.high) == pytest.approx(tuple(oracle.confidence_interval()))


def test_the_noise_of_other_cells_serves_a_cell_with_one_seed() -> None:
    noise = pool_noise([A, B, np.array([7.0])])
    assert noise.df == 3
    assert compare_means(np.array([7.0]), A, noise).value == pytest.approx(7 - 7 / 3)


def test_without_replicates_there_is_no_noise_to_judge_by() -> None:
    for groups in ([], [np.array([1.0])], [np.array([1.0]), np.array([2.0])]):
        with pytest.raises(ValueError, match="there is none: run more seeds"):
            pool_noise(groups)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.3e9])
def test_equal_replicates_are_no_noise_and_make_no_difference_certain(value: float) -> None:
    with pytest.raises(ValueError, match="all replicates are equal"):
        pool_noise([np.full(3, value), np.zeros(2)])


def test_the_interval_of_the_best_of_one_is_the_plain_one() -> None:
    known = compare_means(A, B, pool_noise([A, B]))
    assert bound_simultaneously(known, 1) == pytest.approx((known.low, known.high))
    assert bound_simultaneously(known, 24)[0] < known.low


def test_with_one_degree_each_the_maxima_differ_as_the_means_do() -> None:
    noise = pool_noise([A, B])
    known, found = compare_means(A, B, noise), compare_maxima([A], [B], noise)
    assert found[:3] == pytest.approx((known.value, known.low, known.high))
    assert min(found.p_above, found.p_below) == pytest.approx(known.p / 2)


def test_swapping_the_sides_turns_the_difference_of_maxima_round() -> None:
    rng = np.random.default_rng(0)
    ours, others = list(rng.normal(size=(4, 2))), list(rng.normal(size=(3, 2)))
    noise = pool_noise(ours + others)
    forth, back = compare_maxima(ours, others, noise), compare_maxima(others, ours, noise)
    assert forth.value == pytest.approx(max(g.mean() for g in ours) - max(g.mean() for g in others))
    assert (forth.value, forth.low, forth.high) == pytest.approx((-back.value, -back.high, -back.low))
    assert (forth.p_above, forth.p_below) == pytest.approx((back.p_below, back.p_above))


def test_t_intervals_against_random_hold_the_truth_in_95_percent_of_1000_studies() -> None:
    rng, held = np.random.default_rng(1), 0
    for _ in range(1000):
        study = planted_study(rng)
        *degrees, random = np.split(study.performance, [2, 4, 6, 8])
        found = compare_means(degrees[3], random, pool_noise([*degrees, random]))
        held += found.low <= study.slope_here <= found.high
    assert 920 <= held <= 980


@pytest.mark.parametrize("tops", [(0, 0, 0, 0), (0, -1, -2, -3), (0, -9, -9, -9)], ids=["flat", "slope", "peak"])
def test_maxima_are_never_told_apart_more_often_than_said(tops: tuple[int, ...]) -> None:
    """The worst case for a naive test: one strategy's degrees are all as good, the other has a single best."""
    rng, held, wrong = np.random.default_rng(2), 0, 0
    for _ in range(500):
        flat, other = rng.normal(size=(4, 2)), np.array(tops)[:, None] + rng.normal(size=(4, 2))
        found = compare_maxima(list(flat), list(other), pool_noise([*flat, *other]))
        held += found.low <= 0 <= found.high
        wrong += found.p_above < 0.025
    assert held >= 475 and wrong <= 20, (held, wrong)


def test_a_clearly_better_best_degree_is_found() -> None:
    rng = np.random.default_rng(3)
    ours, others = np.array([[0], [1], [2], [12]]) + rng.normal(size=(4, 2)), rng.normal(size=(4, 2))
    found = compare_maxima(list(ours), list(others), pool_noise([*ours, *others]))
    assert found.low > 0 and found.p_above < 0.01


def test_the_interval_of_the_best_of_24_is_bonferronis() -> None:
    known = compare_means(A, B, pool_noise([A, B]))
    expected = stats.t.interval(1 - 0.05 / 24, known.df, known.value, known.se)
    assert bound_simultaneously(known, 24) == pytest.approx(expected)


def test_the_minimum_over_rivals_needs_no_allowance_and_the_maximum_does() -> None:
    noise = pool_noise([A, B])
    found, known = compare_maxima([A], [B, B + 1], noise), compare_means(A, B + 1, noise)
    assert (found.value, found.low) == pytest.approx((known.value, known.low))
    assert found.high == pytest.approx(bound_simultaneously(known, 2)[1])
