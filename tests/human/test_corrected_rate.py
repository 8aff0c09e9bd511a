"""The corrected win rate: its formula by hand, its coverage under a biased judge, and degenerate inputs."""

from fractions import Fraction

import numpy as np
import pytest

from bench.human import count_covered
from m2m.human.corrected_rate import estimate_corrected_rate, estimate_label_rate, include_ties


def test_a_judge_that_agrees_counts_nearly_as_much_as_labels() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 1000).astype(float)
    rate = estimate_corrected_rate(truth[:100], truth[:100], truth[100:], 1000)
    assert rate.value == pytest.approx(truth.mean(), abs=0.02)
    assert rate.judge_weight == pytest.approx(0.9, abs=0.02)  # others / (labels + others)
    alone = estimate_label_rate(truth[:100], 1000)
    assert rate.high - rate.low < 0.5 * (alone.high - alone.low)


def test_a_judge_that_always_errs_or_never_changes_has_no_weight() -> None:
    labels = np.array([0.0, 1, 0, 1, 0.5])
    alone = estimate_label_rate(labels, 14)
    for judged, others in ((1 - labels, np.array([0.0, 1, 1])), (np.ones(5), np.ones(9)), (labels, np.array([]))):
        assert estimate_corrected_rate(labels, judged, others, 14) == alone


def test_a_worked_example() -> None:
    """Slope of labels on verdicts 7/16 : 11/16; with 4 labels and 6 others the weight is 7/11 · 6/10 = 21/55.

    Both means are 5/8, that of the others is 3/4: the value is 5/8 + 21/55 · (3/4 − 5/8) = 37/55.
    """
    labels, judged, others = np.array([1.0, 0, 1, 0.5]), np.array([1.0, 0.5, 1, 0]), np.array([1.0, 1, 0, 1, 0.5, 1])
    rate = estimate_corrected_rate(labels, judged, others, 10)
    assert rate.judge_weight == pytest.approx(21 / 55)
    assert rate.value == pytest.approx(37 / 55)


def test_the_interval_is_that_of_leaving_one_label_out_in_fractions() -> None:
    """With two more wins and two more losses, on which the judge is undecided."""
    labels, judged, others = np.array([1.0, 0, 1, 0.5] * 5), np.array([1.0, 0.5, 1, 0] * 5), np.array([1.0, 1, 0] * 9)
    rate = estimate_corrected_rate(labels, judged, others, 47)
    assert rate.value == pytest.approx(float(estimate_by_fractions(labels, judged, others)[0]))
    padded = np.append(labels, [1, 1, 0, 0]), np.append(judged, [0.5] * 4)
    middle, variance = estimate_by_fractions(*padded, others)
    assert (rate.low + rate.high) / 2 == pytest.approx(float(middle))
    assert rate.high - rate.low == pytest.approx(
        2 * 2.100922 * float(variance) ** 0.5
    )  # Student's t, 18 degrees, 0.975


def average(numbers: list[Fraction]) -> Fraction:
    return sum(numbers, Fraction(0)) / len(numbers)


def estimate_by_fractions(*tables: np.ndarray) -> tuple[Fraction, Fraction]:
    """Value and variance of PPI++ as its authors write it, the variance by leaving one label out at a time."""
    labels, judged, others = ([Fraction(number) for number in table.tolist()] for table in tables)
    count = len(labels)

    def estimate(places: list[int]) -> tuple[Fraction, Fraction]:
        label, verdict = (average([side[place] for place in places]) for side in (labels, judged))
        products = average([(labels[place] - label) * (judged[place] - verdict) for place in places])
        slope = products / average([(judged[place] - verdict) ** 2 for place in places])
        weight = min(max(slope / (1 + Fraction(len(places), len(others))), Fraction(0)), Fraction(1))
        return weight, label + weight * (average(others) - verdict)

    weight, value = estimate(list(range(count)))
    left_out = [estimate([place for place in range(count) if place != gap])[1] for gap in range(count)]
    jackknife = (count - 1) * average([(number - average(left_out)) ** 2 for number in left_out])
    everything = judged + others
    squares = average([(number - average(everything)) ** 2 for number in everything])
    return value, jackknife + weight**2 * squares * len(everything) / (len(everything) - 1) / len(others)


def test_labels_that_are_all_equal_leave_a_width() -> None:
    """Eight wins: ten wins and two losses have mean 5/6 and variance 5/33, so 5/6 − 2.3646 · √(5/33 / 12)."""
    assert estimate_label_rate(np.ones(8), 100) == pytest.approx((1, 0.5676, 1, 0), abs=1e-4)
    assert estimate_label_rate(np.zeros(8), 100) == pytest.approx((0, 0, 0.4324, 0), abs=1e-4)
    ties = estimate_label_rate(np.full(30, 0.5), 100)  # variance 1/33 in 34
    assert ties == pytest.approx((0.5, 0.5 - 0.0611, 0.5 + 0.0611, 0), abs=1e-4)
    judged = np.array([1.0, 0] * 15)
    assert estimate_corrected_rate(np.ones(30), judged, np.ones(70), 100) == estimate_label_rate(np.ones(30), 100)


def test_the_rate_of_a_judge_that_is_never_wrong_has_a_width_and_stays_within_0_and_1() -> None:
    labels, unlabelled = np.array([1.0] * 29 + [0]), np.array([1.0] * 70)
    rate = estimate_corrected_rate(labels, labels, unlabelled, 100)
    assert 0 <= rate.low < rate.value <= rate.high <= 1 and rate.high - rate.low > 0.05
    beyond = estimate_corrected_rate(1 - labels, np.append(1 - labels[1:], 1), np.zeros(70), 100)
    assert 0 <= beyond.low <= beyond.value < beyond.high


def test_equal_answers_are_ties() -> None:
    assert include_ties(1.0, different=8, ties=8) == 0.75
    rate = estimate_label_rate(np.array([1.0, 1, 1, 0]), different=8, ties=8)
    assert rate.value == pytest.approx(0.625)
    assert rate.low < 0.5 < rate.high


def test_a_constant_bias_of_the_judge_is_taken_out() -> None:
    """The judge likes the first model in every third pair that people give to the second."""
    rng = np.random.default_rng(1)
    truth = (rng.random(40_000) < 0.4).astype(float)
    judged = np.where((truth == 0) & (rng.random(40_000) < 1 / 3), 1.0, truth)
    assert judged.mean() == pytest.approx(0.6, abs=0.01)
    assert estimate_corrected_rate(truth[:4000], judged[:4000], judged[4000:], 40_000).value == pytest.approx(
        0.4, abs=0.015
    )


def test_intervals_cover_the_truth_in_95_of_100_studies() -> None:
    """Of 400 studies; `bench.human` has 2,000 a case."""
    corrected, alone, _ = count_covered(studies=400, labels=80, prompts=600, bias=0.3, seed=5)
    assert 0.92 <= corrected <= 0.98
    assert 0.92 <= alone <= 0.98


@pytest.mark.parametrize(("rate", "labels"), [(0.05, 30), (0.1, 30), (0.05, 50)])
def test_intervals_of_a_rare_win_cover_the_truth_in_95_of_100_studies(rate: float, labels: int) -> None:
    """Student's t of the labels alone covers it in 79 to 90 of 100, corrected by a judge in 71 to 85."""
    corrected, alone, _ = count_covered(400, labels, prompts=800, bias=0.15, seed=6, rate=rate)
    assert corrected >= 0.93 and alone >= 0.93


def test_labels_of_few_prompts_leave_the_share_of_ties_as_it_is() -> None:
    """Ten labels of 900 prompts, and 100 prompts of equal answers: the ties are a tenth, not ten elevenths."""
    assert estimate_label_rate(np.ones(10), different=900, ties=100).value == pytest.approx(0.95)


@pytest.mark.parametrize("labels", [[], [1.0]])
def test_one_label_has_no_interval(labels: list[float]) -> None:
    with pytest.raises(ValueError, match="at least 2 labelled pairs, got"):
        estimate_label_rate(np.array(labels), 9)


def test_labels_and_verdicts_must_be_of_the_same_prompts() -> None:
    with pytest.raises(ValueError, match="of the same prompts, got 2 and 3"):
        estimate_corrected_rate(np.ones(2), np.ones(3), np.ones(3), 9)
